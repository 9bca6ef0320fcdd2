"""The rows of the study: what validation has chosen, and what the test said."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from semisup_jax.studies import statistics
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]


CHANGES = ('cosine', 'augmented')


class Judged(NamedTuple):
  """Where a network began and how it was trained.

  Attributes:
    arm: Of the study.
    protocol: Of the point's rows.
  """

  arm: str
  protocol: str

  @property
  def encoder(self) -> str:
    """What the network begins with: the arm without its change."""
    return self.arm.removesuffix(f'_{self.change}')

  @property
  def change(self) -> str:
    """What is different in how it is trained: a key of `CHANGES`, or ''."""
    end = self.arm.rpartition('_')[2]
    return end if end in CHANGES else ''

  @property
  def fields(self) -> dict[str, str]:
    """By which `statistics.paired` finds its rows."""
    return self._asdict()


SCRATCH = Judged('scratch', 'supervised')


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them."""

  @functools.cached_property
  def judged(self) -> list[Judged]:
    """All that were tested, in the order in which they first appear."""
    return list(
      dict.fromkeys(
        Judged(row['factors']['arm'], result['protocol'])
        for row in self.rows
        for result in row['rows']
      )
    )

  @functools.cached_property
  def _tested(self) -> dict[Judged, Row]:
    by = ('arm', 'protocol')
    found = statistics.summarize(self.rows, by=by)
    return {
      Judged(row['arm'], row['protocol']): row
      for row in found
      if row['metric'] == 'top1'
    }

  def tested(self, judged: Judged) -> Row:
    """Accuracy on the reported part, over seeds; `units` are the seeds."""
    return self._tested[judged]

  def chosen(self, judged: Judged) -> dict[Any, Row]:
    """By seed the look at validation that was chosen, as the table `courses`
    has it; nothing where there were no rates to choose from."""
    return {
      seed: look
      for seed, looks in self.looks(judged).items()
      for look in looks
      if look['chosen']
    }

  def looks(self, judged: Judged) -> dict[Any, list[Row]]:
    """By seed all looks at validation."""
    found: dict[Any, list[Row]] = {}
    for row in self.rows:
      if row['factors']['arm'] == judged.arm:
        for look in row['tables'].get('courses', ()):
          if look['protocol'] == judged.protocol:
            found.setdefault(row['factors']['seed'], []).append(look)
    return found

  def difference(self, judged: Judged, other: Judged = SCRATCH) -> Row | None:
    """In accuracy, paired by seed; None of what is not there."""
    if other not in self._tested or judged == other:
      return None
    fields = judged.fields, other.fields
    (row,) = statistics.paired(self.rows, *fields, by=())
    return row

  @functools.cached_property
  def channels(self) -> dict[Any, tuple[list[float], list[float]]]:
    """By seed mean and standard deviation of each channel, of the images that
    the network from scratch has learned from."""
    return {
      row['factors']['seed']: (row['channel_mean'], row['channel_std'])
      for row in self.rows
      if row['factors']['arm'] == SCRATCH.arm
    }
