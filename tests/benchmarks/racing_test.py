"""Forms are compared before they are timed, and what is measured is kept."""

import math

import numpy as np
import pytest

from benchmarks import growth, page, racing, results, tables
from benchmarks.machine import Machine
from benchmarks.racing import Form, FormError, Result
from benchmarks.worker import Prepared

MACHINE = Machine('cpu', 'Some (R) CPU', 2)


def form_of(value=1.0, fails=False):
  """What a worker imports from here."""
  if fails:
    raise RuntimeError('on purpose')
  called = []
  return Prepared(
    lambda calls: called.append(calls),
    lambda: {'loss': np.float32(value), 'update/a': np.ones(3) * value},
    lambda: {'calls': len(called)},
  )


def form(name, **arguments):
  return Form(name, 'tests.benchmarks.racing_test:form_of', arguments)


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch, request):
  monkeypatch.chdir(request.config.rootpath)


def test_forms_that_agree_take_turns():
  tolerances = {'loss': 1e-3, 'update': 1e-3}
  found = racing.race(
    [form('a'), form('b', value=1.0001)],
    turns=3,
    seconds=0,
    tolerances=tolerances,
  )
  assert [len(result.seconds) for result in found.values()] == [3, 3]
  # What compiles, and then in each turn.
  assert found['a'].facts == {'calls': 1 + racing.WARM_UP + 3}
  assert found['a'].resident > 10**6


def test_forms_that_disagree_are_not_timed():
  with pytest.raises(FormError, match="'b' is not 'a'"):
    racing.race(
      [form('a'), form('b', value=1.1)],
      turns=1,
      seconds=0,
      tolerances={'loss': 1e-3, 'update': 1e-3},
    )


def test_a_form_that_fails_is_named(capfd):
  with pytest.raises(FormError, match="the process of 'a' ended"):
    racing.race([form('a', fails=True)], turns=1, seconds=0)
  assert 'on purpose' in capfd.readouterr().err


def test_differences_are_shares_by_group():
  a = {'loss': np.array(2.0), 'w/x': np.array([3.0]), 'w/y': np.array([4.0])}
  b = {**a, 'w/y': np.array([4.5])}
  assert racing.differences(a, b) == {'loss': 0, 'w': pytest.approx(0.1)}
  assert racing.differences(a, {**a, 'w/z': np.ones(1)})['w'] == math.inf
  assert racing.differences(a, {**a, 'w/y': np.ones(2)})['w'] == math.inf


def test_a_spread_has_three_digits():
  assert tables.spread([0.01234, 0.02, 0.5]) == '0.0200 (0.0123 to 0.500)'
  assert tables.spread([1234.5]) == '1,234 (1,234 to 1,234)'
  assert tables.spread([0, 0]) == '0 (0 to 0)'


def test_a_ratio_is_of_pairs_of_turns():
  found = {'a': Result([1.0, 2.0]), 'b': Result([2.0, 4.0])}
  assert tables.ratios(found, 'b', 'a').startswith('0.500 (0.500 to 0.500')


def test_an_exponent_is_the_slope_of_the_logarithms():
  values = [1, 2, 4, 8]
  assert growth.exponent(values, [3 * v**1.5 for v in values]) == (
    pytest.approx(1.5)
  )


def test_a_page_shows_what_was_measured(tmp_path):
  table = tables.Table('A title', ['form', 's'], [['ours', '1.00']], 'A note.')
  path = results.write('step', [table], MACHINE, tmp_path)
  assert path.name == 'some-r-cpu-2.json'
  results.write('start', [table], MACHINE, tmp_path)
  results.write('start', [table], MACHINE, tmp_path)
  text = page.page(results.read(tmp_path))
  assert text.count('#### A title\n\nA note.\n\n| form | s |') == 2
  assert '| ours | 1.00 |' in text
  assert text.index('### A step of SimCLR') < text.index('### Starting')
