"""What tells runs apart, what may be compared, and what is said of it."""

import pathlib

import pytest

from semisup_jax.reporting import compared_runs, run_findings

from .. import made_runs


def make(name, counts=(), **fields):
  """A run whose config differs in `fields`, with `__` for a dot."""
  config = made_runs.changed(
    {field.replace('__', '.'): value for field, value in fields.items()}
  )
  results = made_runs.results(config)
  results['run']['counts'] |= dict(counts)
  return compared_runs.Run(name, results, config)


def difference(mean, low, high, k=1, **more):
  row = {'run': 'b', 'baseline': 'a', 'protocol': 'knn', 'metric': 'top1'}
  row |= {'labels_per_class': k, 'n': 5, 'n_baseline': 5, 'paired': True}
  return {**row, 'mean': mean, 'low': low, 'high': high, **more}


@pytest.mark.parametrize(
  ('folders', 'names'),
  [
    (['/runs/a', '/runs/b'], ['a', 'b']),
    (['/runs/x/a', '/runs/y/a', '/runs/b'], ['x/a', 'y/a', 'b']),
    (['/a', '/x/a'], ['/a', 'x/a']),
    (['/x/run/a', '/y/run/a', '/z/a'], ['x/run/a', 'y/run/a', 'z/a']),
  ],
)
def test_a_name_is_the_shortest_end_that_no_other_has(folders, names):
  assert compared_runs.names([pathlib.Path(f) for f in folders]) == names


@pytest.mark.parametrize(
  'fields',
  [
    {'data__name': 'npz'},
    {'data__path': 'x.npz'},
    {'data__classes': [0, 1]},
    {'data__test_fraction': 0.5},
    {'report_split': 'validation'},
    {'counts': {'test': 450}},
    {'transfer__labels_per_class': [1, 4]},
  ],
)
def test_other_test_images_are_another_group(fields):
  a, b, c = make('a'), make('b', **fields), make('c', model__width=8)
  assert compared_runs.groups([a, b, c]) == [[a, c], [b]]
  (note,) = compared_runs.notes([[a, c], [b]])
  assert note.startswith('a and b are not compared: ')


def test_a_note_names_the_fields_and_their_values():
  groups = [[make('a')], [make('b', data__name='npz', data__path='x.npz')]]
  assert compared_runs.notes(groups) == [
    'a and b are not compared: data.name is digits in a and npz in b, '
    'data.path is None in a and x.npz in b.'
  ]


@pytest.mark.parametrize(
  'fields',
  [
    {'seed': 1},
    {'data__labels_per_class': 5},
    {'data__validation_fraction': 0.1},
    {'data__labels_skip': 7},
    {'data__fold': 2},
  ],
)
def test_other_labelled_images_are_one_group_and_no_pairs(fields):
  a, b = make('a'), make('b', **fields)
  assert compared_runs.groups([a, b]) == [[a, b]]
  (note,) = compared_runs.notes([[a, b]])
  assert note.startswith('b and a drew other labelled images: ')
  assert note.endswith('; no difference of theirs is paired.')


@pytest.mark.parametrize('fields', [{'seed': 1}, {'data__fold': 2}])
def test_validation_images_are_drawn_by_the_seed(fields):
  a = make('a', report_split='validation')
  b = make('b', report_split='validation', **fields)
  assert compared_runs.groups([a, b]) == [[a], [b]]


def test_a_field_that_one_config_has_not_is_as_if_it_were_unset():
  a, b = make('a'), make('b', data__folds=None, data__fold=0)
  del b.config['data']['labels_skip']
  assert compared_runs.groups([a, b]) == [[a, b]]
  assert compared_runs.notes([[a, b]]) == []


def test_all_labels_may_be_another_number():
  a, b = make('a'), make('b', counts={'labelled': 50})
  assert compared_runs.notes([[a, b]]) == [
    "'all' is another number of labelled images: 1,078 in a, 50 in b."
  ]


def test_only_fields_that_differ_are_listed():
  a, b = make('a'), make('b', model__width=16, method__name='simclr')
  assert compared_runs.differing([a, b, a], compared_runs.config) == [
    ('model.width', '32', '16', '32'),
    ('method.name', '', "'simclr'", ''),
  ]
  b.results['run']['versions']['jax'] = '0.11'
  b.results['run']['commit'] = None
  assert compared_runs.differing([a, b], compared_runs.environment) == [
    ('commit', "'917d7e82f839'", ''),
    ('versions.jax', "'0.10.2'", "'0.11'"),
  ]


def test_sentences_give_sizes_intervals_and_n():
  rows = [
    difference(0.091, 0.044, 0.138),
    difference(-0.02, -0.03, -0.01, k=5),
    difference(0.001, -0.002, 0.004, k=20, n=3, paired=False),
  ]
  assert run_findings.sentences(rows) == [
    'By kNN, b against a: 9.1 points above at 1 label a class (95 % interval '
    '4.4 to 13.8, n = 5); 2.0 points below at 5 labels a class (95 % interval '
    '1.0 to 3.0, n = 5).',
    'By kNN, unpaired, b against a: not distinguishable at 20 labels a class '
    '(difference 0.1 points, 95 % interval -0.2 to 0.4, n = 3 and 5).',
  ]


def test_the_headline_counts_what_intervals_say():
  a, b = make('a'), make('b')
  rows = [difference(0.1, 0.05, 0.15), difference(0.0, -0.1, 0.1, k=5)]
  assert run_findings.headline([[a, b]], rows) == (
    'Of 2 comparisons, b is above a in 1 and not distinguishable from it in 1.'
  )
  assert run_findings.headline([[a, b]], rows[1:]) == (
    'Of 1 comparison, b is not distinguishable from a in 1.'
  )
  assert 'no difference has an interval' in run_findings.headline([[a, b]], [])


def test_no_winner_is_named_over_other_test_images():
  a, b, c = make('a'), make('b', data__name='npz'), make('c')
  assert run_findings.headline([[a], [b]], []) == (
    'No two of these runs were tested on the same images.'
  )
  assert run_findings.headline(
    [[a, c], [b]], [difference(0.1, 0.05, 0.15, run='c')]
  ) == (
    'Of 1 comparison, c is above a in 1. Runs that were tested on other images '
    'are not compared.'
  )


def test_the_scope_says_what_an_interval_does_not_cover():
  rows = [difference(0.1, 0.05, 0.15), difference(0.0, -0.1, 0.1, k=5)]
  told = run_findings.scope(rows, 'test')
  assert 'not the luck of a training' in told
  assert 'here are 2' in told
  assert 'is to choose on the test' in told
  anew = [difference(0.1, 0.05, 0.15, protocol='supervised')]
  assert run_findings.scope(anew, 'validation') == ''
  assert run_findings.scope([], 'test') == ''
