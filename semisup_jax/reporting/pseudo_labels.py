"""The pseudo-labels of a run, in sentences and as a section of the page.

Of `results['tables']`: `pseudo_labels`, rows by threshold, one of them with
`used`; `pseudo_labels_by_class`; `pseudo_labels_reliability`, bins of `low`,
`high`, `count`, `confidence` and `accuracy`. Each may be missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import wording

Row = Mapping[str, Any]


def sentences(tables: Mapping[str, Any]) -> list[str]:
  """What the threshold does, and how far confidence is from accuracy.

  Args:
    tables: As in results.json.

  Returns:
    No sentence of what is not there.
  """
  found = [
    _threshold(tables.get('pseudo_labels') or ()),
    _calibration(tables.get('pseudo_labels_reliability') or ()),
  ]
  return [sentence for sentence in found if sentence]


def _threshold(rows: Sequence[Row]) -> str:
  """What the used threshold keeps, against keeping everything."""
  used = next((row for row in rows if row.get('used')), None)
  whole = next((row for row in rows if row['kept'] == row['n']), None)
  if used is None or not used['threshold']:
    return _without(used or whole)
  text = f'At the threshold of {used["threshold"]:g}, {_kept(used)}'
  if whole is not None and used['kept'] < used['n']:
    verb = 'would be' if used['kept'] else 'would be right'
    text += f'; without a threshold {_percent(whole["precision"])} {verb}'
  return f'{text}.'


def _kept(row: Row) -> str:
  """`812 of 1,028 unlabelled images (79.0 %) get ...`, at its threshold."""
  all_images = f'{row["n"]:,} unlabelled images'
  if not row['kept']:
    return f'none of {all_images} gets a pseudo-label'
  one = row['kept'] == 1
  return (
    f'{row["kept"]:,} of {all_images} ({_percent(row["yield"])}) '
    f'{"gets" if one else "get"} a pseudo-label, of which '
    f'{_percent(row["precision"])} are right'
  )


def _without(row: Row | None) -> str:
  if row is None:
    return ''
  return (
    f'Without a threshold all {row["n"]:,} unlabelled images get a '
    f'pseudo-label, of which {_percent(row["precision"])} are right.'
  )


def _calibration(rows: Sequence[Row]) -> str:
  """The expected calibration error, which the bins hold."""
  filled = [row for row in rows if row['count']]
  if not filled:
    return ''
  gaps = [
    row['count'] * abs(row['accuracy'] - row['confidence']) for row in filled
  ]
  error = sum(gaps) / sum(row['count'] for row in filled)
  return (
    f'Confidence and accuracy differ by {wording.points(error, "ece")} on '
    f'average (expected calibration error, {len(rows)} bins).'
  )


def _percent(share: float | None) -> str:
  return f'{wording.number(share, "top1")} %'
