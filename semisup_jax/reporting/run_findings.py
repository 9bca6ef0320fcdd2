"""What the differences between runs say, in sentences.

A difference is a mapping of `run`, `baseline` (both names of runs), `protocol`,
`labels_per_class`, `metric`, `mean` (of run minus baseline), its 95 % interval
from `low` to `high`, `n` and `n_baseline` (draws of each) and `paired`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import comparison, wording
from semisup_jax.reporting.compared_runs import Group

Difference = Mapping[str, Any]


def headline(
  grouped: Sequence[Group], differences: Sequence[Difference]
) -> str:
  """How each run stands to the first that was tested on the same images."""
  told = [
    _standing(run.name, reference.name, differences)
    for reference, *others in grouped
    for run in others
  ]
  if len(grouped) > 1:
    told.append(
      'No two of these runs were tested on the same images.'
      if len(grouped) == sum(map(len, grouped))
      else 'Runs that were tested on other images are not compared.'
    )
  return ' '.join(told)


def _standing(
  run: str, reference: str, differences: Iterable[Difference]
) -> str:
  """`b is above a in 3 of 4 comparisons; 1 is not distinguishable.`."""
  verdicts = [
    _gap(row).verdict
    for row in differences
    if (row['run'], row['baseline']) == (run, reference)
  ]
  if not verdicts:
    return (
      f'Of {run} and {reference} no difference has an interval: that takes two '
      'or more draws of both by the same protocol.'
    )
  counts = {
    words: verdicts.count(verdict)
    for verdict, words in (
      ('higher', f'above {reference}'),
      ('lower', f'below {reference}'),
      ('not distinguishable', 'not distinguishable from it'),
    )
  }
  told = [f'{words} in {n}' for words, n in counts.items() if n]
  if not counts[f'above {reference}'] + counts[f'below {reference}']:
    told = [f'not distinguishable from {reference} in {len(verdicts)}']
  noun = 'comparison' if len(verdicts) == 1 else 'comparisons'
  return f'Of {len(verdicts)} {noun}, {run} is {wording.listed(told)}.'


def sentences(differences: Sequence[Difference]) -> list[str]:
  """One for each run and protocol, over all numbers of labels."""
  told: dict[tuple, list[Difference]] = {}
  for row in differences:
    key = row['run'], row['baseline'], row['protocol'], row['paired']
    told.setdefault(key, []).append(row)
  return [
    f'{_by(rows)} {wording.protocol_in_sentence(protocol)}'
    f'{"" if paired else ", unpaired"}, {run} against {baseline}: '
    f'{"; ".join(map(_found, rows))}.'
    for (run, baseline, protocol, paired), rows in told.items()
  ]


def _by(rows: Sequence[Difference]) -> str:
  """`By`, or `ROC-AUC by` where the numbers have no unit that says it."""
  metric = wording.beside(rows[0]['metric'])
  return f'{metric} by' if metric else 'By'


def _found(row: Difference) -> str:
  """`9.1 points above at 1 label a class (95 % interval 4.4 to 13.8, ...)`."""
  gap, metric = _gap(row), row['metric']
  below = gap.excludes_zero and gap.mean < 0
  if below:  # A size and its interval, both positive.
    gap = comparison.Gap(-gap.mean, -gap.high, -gap.low)
  where = wording.labels(row['labels_per_class'])
  interval = (
    f'95 % interval {wording.interval(gap.low, gap.high, metric)}, '
    f'n = {_draws(row)}'
  )
  if gap.excludes_zero:
    side = 'below' if below else 'above'
    return f'{wording.points(gap.mean, metric)} {side} {where} ({interval})'
  points = ' points' if metric in wording.PERCENT else ''
  size = f'{wording.number(gap.mean, metric)}{points}'
  return f'not distinguishable {where} (difference {size}, {interval})'


def _draws(row: Difference) -> str:
  return ' and '.join(
    str(n) for n in dict.fromkeys([row['n'], row['n_baseline']])
  )


def _gap(row: Difference) -> comparison.Gap:
  return comparison.Gap(row['mean'], row['low'], row['high'])


def scope(differences: Sequence[Difference], split: str) -> str:
  """What the intervals cover, and what they do not.

  Args:
    differences: Of one group of runs.
    split: The part that was tested on.
  """
  if not differences:
    return ''
  parts = []
  if {row['protocol'] for row in differences} - wording.TRAINED_ANEW:
    parts.append(
      'A difference is one of two trainings: its interval covers the choice of '
      'the labelled images, not the luck of a training, which takes several '
      'seeds of each.'
    )
  if len(differences) > 1:
    parts.append(
      'Where there is no difference one interval in twenty excludes 0 all the '
      f'same, and here are {len(differences)}.'
    )
  if split == 'test':
    parts.append('To choose a run by these numbers is to choose on the test.')
  return ' '.join(parts)
