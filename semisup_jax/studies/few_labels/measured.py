"""The rows of the study: extractors by their arm and their number of labels."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from semisup_jax.studies import statistics
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]

CONTROLS = ('random', 'simclr')
SOURCE = 'source'  # What judges on the source: the pretrainer itself.
HEAD = 'linear_probe'


class Arm(NamedTuple):
  """What an extractor has learned by.

  Attributes:
    arm: plain, mixup, collage, cutmix; random or simclr.
    source: 'other', 'same' as the target, or 'none' of the random one.
    equal: What is the same for every number of labels: updates or epochs.
  """

  arm: str
  source: str = 'other'
  equal: str = 'updates'


RANDOM, SIMCLR = Arm('random', 'none'), Arm('simclr')
PLAIN, SAME, EPOCHS = (
  Arm('plain'),
  Arm('plain', 'same'),
  Arm('plain', 'other', 'epochs'),
)


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them."""

  @functools.cached_property
  def ks(self) -> list[int]:
    """Labels a class of the source, ascending."""
    found = {
      one['labels_per_class']
      for row in self.rows
      if row['factors']['arm'] not in CONTROLS
      for one in row['rows']
    }
    return sorted(found)

  @functools.cached_property
  def arms(self) -> list[Arm]:
    """Those that are there, in the order in which they first appear."""
    return list(dict.fromkeys(_arm(row) for row in self.rows))

  @property
  def mixed(self) -> list[Arm]:
    """Arms that learn from mixed images of the source, with equal updates."""
    usual = [arm for arm in self.arms if arm == Arm(arm.arm)]
    return [arm for arm in usual if arm.arm not in ('plain', *CONTROLS)]

  @functools.cached_property
  def _observed(self) -> list[Row]:
    """Rows in which a control has its number at each k, and the pretrainer's
    accuracy is a row among the others."""
    found = []
    for row in self.rows:
      own = [one for one in row['rows'] if one['metric'] == 'top1']
      if row['factors']['arm'] in CONTROLS:
        own = [{**one, 'labels_per_class': k} for one in own for k in self.ks]
      of_source = row['tables'].get('source', ())
      own += [one for one in of_source if one['metric'] == 'top1']
      found.append({**row, 'rows': own, 'tables': {}})
    return found

  @functools.cached_property
  def _means(self) -> list[dict[str, Any]]:
    return statistics.summarize(self._observed, by=Arm._fields)

  def curve(self, arm: Arm, protocol: str = HEAD) -> list[dict[str, Any]]:
    """Top-1 by labels a class, means over seeds.

    Args:
      arm: Whose.
      protocol: `HEAD`, on the target, or `SOURCE`, the pretrainer's own.
    """
    wanted = {**arm._asdict(), 'protocol': protocol}
    found = [
      row
      for row in self._means
      if all(row[field] == value for field, value in wanted.items())
    ]
    return sorted(found, key=lambda row: row['labels_per_class'])

  def differences(
    self, a: Arm, b: Arm, protocol: str = HEAD
  ) -> list[dict[str, Any]]:
    """Top-1 of a minus that of b by labels a class, paired by seed.

    Args:
      a: What is compared.
      b: With what.
      protocol: See `curve`.

    Returns:
      Rows as of `statistics.paired`; none if one of the two is not there.
    """
    if not {a, b} <= set(self.arms):
      return []
    sides = ({**arm._asdict(), 'protocol': protocol} for arm in (a, b))
    found = statistics.paired(self._observed, *sides)
    return sorted(found, key=lambda row: row['labels_per_class'])


def _arm(row: Row) -> Arm:
  return Arm(*(row['factors'][field] for field in Arm._fields))
