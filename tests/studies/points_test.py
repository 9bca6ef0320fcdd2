"""Points: named, told apart, divided."""

import itertools

import pytest
from ml_collections import config_dict

from semisup_jax.studies import points as points_lib
from semisup_jax.types import InputError


def expand(*factors):
  return points_lib.expand((f, config_dict.ConfigDict()) for f in factors)


def test_a_name_says_the_factors_and_is_safe_for_a_folder():
  (point,) = expand({'method': 'simclr', 'ops': 'a|b/../c d', 'rate': 0.1})
  assert point.name == 'method=simclr,ops=a-b-..-c-d,rate=0.1'
  assert point.factors['ops'] == 'a|b/../c d'


@pytest.mark.parametrize(
  ('factors', 'message'),
  [
    ([], 'has no points'),
    ([{}], 'has no factors'),
    ([{'seed': 0}, {'seed': 0}], 'two points are called seed=0'),
    ([{'op': 'a|b'}, {'op': 'a/b'}], 'two points are called op=a-b'),
    ([{'op': 'A'}, {'op': 'a'}], 'two points are called op=a'),
    ([{'seed': 0}, {'k': 0}], 'seed=0 has seed, k=0 has k'),
    ([{'ks': (1, 2)}], 'factor ks is (1, 2)'),
    ([{'name': 'x' * 300}], '305 characters'),
  ],
)
def test_points_that_cannot_be_told_apart_are_refused(factors, message):
  with pytest.raises(InputError) as caught:
    expand(*factors)
  assert message in str(caught.value)
  assert '\n' not in str(caught.value)


def test_parts_are_interleaved_and_make_the_whole():
  points = expand(*({'seed': i} for i in range(7)))
  parts = [points_lib.part(points, (i, 3)) for i in (1, 2, 3)]
  assert [p.factors['seed'] for p in parts[1]] == [1, 4]
  assert sorted(itertools.chain(*parts), key=points.index) == points
  assert points_lib.part(points, (8, 8)) == []


def test_a_kind_is_everything_but_the_seed():
  points = points_lib.expand(
    ({'k': k, 'seed': s}, config_dict.create(k=k, seed=s))
    for k in (1, 5)
    for s in (0, 1)
  )
  assert [p.name for p in points_lib.kinds(points)] == [
    'k=1,seed=0',
    'k=5,seed=0',
  ]
