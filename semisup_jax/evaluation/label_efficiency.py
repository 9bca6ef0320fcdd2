"""How far few labels go: k labels a class x draws x protocols."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any

import numpy as np

from semisup_jax import data, metrics
from semisup_jax.training import progress

# Rows of the training part that are labelled, and the number of the draw, to
# logits [N, K] of the reported part, and the threshold of an `Outcome`.
Protocol = Callable[[np.ndarray, int], tuple[np.ndarray, float | None]]

# Where one draw is all there is, the spread is that of the test images. Metrics
# that sort them are resampled less often where there are many.
BOOTSTRAP_RESAMPLES = 2000
FEWEST_RESAMPLES, SORTED_NUMBERS = 400, 100_000_000


@dataclasses.dataclass(frozen=True)
class Outcome:
  """One protocol, trained on one draw of labelled images.

  Attributes:
    protocol: Its name.
    labels_per_class: An integer, or 'all'.
    draw: Number of the draw.
    logits: float [N, K], of the reported part.
    threshold: Of two classes, the probability from which on an image is said
      to be of the second, chosen on validation; None where none was chosen.
  """

  protocol: str
  labels_per_class: int | str
  draw: int
  logits: np.ndarray
  threshold: float | None = None


def label_efficiency(
  protocols: Mapping[str, Protocol],
  *,
  labels: np.ndarray,
  rows: np.ndarray,
  num_classes: int,
  labels_per_class: Sequence[int | str],
  draws: int,
  seed: int,
  protocols_for_all: Sequence[str],
  side_by_side: Collection[str] = (),
  at_once: int = 1,
  bar: progress.Bar | None = None,
) -> list[Outcome]:
  """Runs every protocol on the same draws of labelled images.

  The same draws for every protocol make differences between protocols paired;
  within a draw, fewer labels are a subset of more.

  Args:
    protocols: By name.
    labels: int [T] or [T, K], of the training part.
    rows: Rows of the training part whose labels may be seen, int [L].
    num_classes: K.
    labels_per_class: Integers, and 'all' for every row in one draw.
    draws: Draws for each integer.
    seed: Of the draws.
    protocols_for_all: Those of the protocols that run on 'all' too; training a
      network on all labels is a run of its own.
    side_by_side: Those that may run in several threads at once; the others run
      in the caller's, in their order.
    at_once: How many threads; 1 is the caller's alone.
    bar: What shows the way.
  """
  bar = bar or progress.SilentBar()
  runs = []
  for k in labels_per_class:
    for draw in range(draws if k != 'all' else 1):
      drawn = data.draw_labelled(
        labels[rows], k, seed=(seed, 3, draw), num_classes=num_classes
      )
      runs += [
        (name, k, draw, functools.partial(protocol, rows[drawn], draw))
        for name, protocol in protocols.items()
        if k != 'all' or name in protocols_for_all
      ]
  outcomes = []
  with contextlib.closing(_results(runs, side_by_side, at_once)) as results:
    for (name, k, draw, _), result in zip(runs, results, strict=True):
      outcomes.append(Outcome(name, k, draw, *result))
      bar.advance(1)
  return outcomes


def _results(runs, side_by_side, at_once) -> Iterator[tuple]:
  """What the runs return, in their order; closed early, it ends the threads."""
  if at_once == 1:
    for *_, run in runs:
      yield run()
    return
  pool = futures.ThreadPoolExecutor(at_once)
  try:
    begun = [
      pool.submit(run).result if name in side_by_side else run
      for name, *_, run in runs
    ]
    for result in begun:
      yield result()
  finally:
    pool.shutdown(cancel_futures=True)


def count_runs(
  protocols: Sequence[str],
  labels_per_class: Sequence[int | str],
  draws: int,
  protocols_for_all: Sequence[str],
) -> int:
  """How many outcomes `label_efficiency` will return."""
  every = len(protocols) * draws
  for_all = len(set(protocols) & set(protocols_for_all))
  return sum(for_all if k == 'all' else every for k in labels_per_class)


def summarize(
  outcomes: Sequence[Outcome], labels: np.ndarray, *, level: float = 0.95
) -> list[dict[str, Any]]:
  """Rows of a table: one for each protocol, number of labels and metric.

  Args:
    outcomes: From `label_efficiency`, or any of that form.
    labels: int [N] or [N, K], of the reported part.
    level: Of the intervals: Student's t over draws, or, where there is one
      draw, the bootstrap over test images, for the top-1 accuracy and what
      `metrics.by_counts` gives.

  Returns:
    The rows.
  """
  groups: dict[tuple, list[Outcome]] = {}
  for outcome in outcomes:
    key = (outcome.protocol, outcome.labels_per_class)
    groups.setdefault(key, []).append(outcome)
  rows = []
  for (protocol, k), members in groups.items():
    measured = [_measured(member, labels) for member in members]
    ends = _over_images(members[0], labels, level) if len(members) == 1 else {}
    for metric in measured[0]:
      values = [m[metric] for m in measured]
      mean, std = metrics.mean_and_std(values)
      row = {
        'protocol': protocol,
        'labels_per_class': k,
        'metric': metric,
        'mean': mean,
        'std': std,
        'n': len(values),
        'low': None,
        'high': None,
        'interval': None,
        'values': values,
      }
      if len(values) > 1:
        row['low'], row['high'] = metrics.student_t_interval(values, level)
        row['interval'] = "Student's t over draws"
      elif ends.get(metric, (None,))[0] is not None:
        row['low'], row['high'] = ends[metric]
        row['interval'] = 'bootstrap over test images'
      rows.append(row)
  return rows


def _measured(outcome: Outcome, labels: np.ndarray) -> dict[str, float]:
  scoring = metrics.scoring_of(labels)
  more = {} if outcome.threshold is None else {'threshold': outcome.threshold}
  return scoring.metrics(outcome.logits, labels, **more)


def _over_images(
  outcome: Outcome, labels: np.ndarray, level: float
) -> dict[str, tuple[float, float] | tuple[None, None]]:
  """Intervals by the bootstrap, of each metric that has one."""
  logits, ends = outcome.logits, {}
  settings = {'level': level, 'seed': 0}
  if labels.ndim == 1:
    ends['top1'] = metrics.bootstrap_interval(
      logits.argmax(-1) == labels, resamples=BOOTSTRAP_RESAMPLES, **settings
    )
  measure = metrics.by_counts(logits, labels, outcome.threshold)
  if measure is None:
    return ends
  affordable = SORTED_NUMBERS // labels.size
  resamples = min(BOOTSTRAP_RESAMPLES, max(FEWEST_RESAMPLES, affordable))
  return ends | metrics.bootstrap(
    measure, len(labels), resamples=resamples, **settings
  )


def differences(
  rows: Sequence[Mapping[str, Any]], *, baseline: str, level: float = 0.95
) -> list[dict[str, Any]]:
  """Paired differences over draws, of every two protocols.

  Args:
    rows: From `summarize`; those of the first one's metric count, the primary.
    baseline: Pairs with this protocol have it second; other pairs are ordered
      by their means.
    level: Of the intervals.
  """
  groups: dict[Any, list] = {}
  for row in rows:
    if row['metric'] == rows[0]['metric'] and row['n'] > 1:
      groups.setdefault(row['labels_per_class'], []).append(row)
  pairs = []
  for k, members in groups.items():
    ordered = sorted(
      members, key=lambda r: (r['protocol'] == baseline, -r['mean'])
    )
    for i, a in enumerate(ordered):
      for b in ordered[i + 1 :]:
        difference = metrics.paired_difference(a['values'], b['values'], level)
        pairs.append(
          {
            'protocol': a['protocol'],
            'baseline': b['protocol'],
            'labels_per_class': k,
            'mean': difference.mean,
            'low': difference.low,
            'high': difference.high,
            'n': difference.n,
          }
        )
  return pairs
