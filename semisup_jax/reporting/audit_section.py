"""The page's section on pseudo-labels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import pseudo_labels, tables, wording

Row = Mapping[str, Any]

MAX_CLASSES = 20  # More are shown only when asked for.


def section(extra: Mapping[str, Any]) -> str:
  """What the threshold keeps, in words, by threshold and by class, as HTML.

  Args:
    extra: The tables of results.json; `pseudo_labels` says which of them are
      looked at.

  Returns:
    Nothing where there are none of them.
  """
  words = tables.prose(' '.join(pseudo_labels.sentences(extra)))
  by_threshold = extra.get('pseudo_labels')
  by_class = extra.get('pseudo_labels_by_class')
  boxes = []
  if by_threshold:
    boxes.append(
      f'<div><h3>By threshold</h3>{_by_threshold(by_threshold)}</div>'
    )
  if by_class:
    boxes.append(_titled_or_folded(by_class))
  if not words and not boxes:
    return ''
  return (
    '<section>\n<h2>Pseudo-labels</h2>\n'
    f'{f"<p>{words}</p>" if words else ""}\n'
    f'<div class="tables">{"".join(boxes)}</div>\n'
    '<p class="hint">Measured on the unlabelled images whose class is known; '
    'training does not see it.</p>\n</section>'
  )


def _titled_or_folded(rows: Sequence[Row]) -> str:
  title, table = 'By class, at the threshold used', _by_class(rows)
  if len(rows) > MAX_CLASSES:
    return f'<div>{tables.folded(title, table)}</div>'
  return f'<div><h3>{title}</h3>{table}</div>'


def _by_threshold(rows: Iterable[Row]) -> str:
  """What each threshold keeps of the pseudo-labels, and how rightly."""
  lines = []
  for row in sorted(rows, key=lambda row: row['threshold']):
    name = f'{row["threshold"]:g}'
    lines.append(
      (
        f'<strong>{name}</strong> (used)' if row.get('used') else name,
        f'{row["kept"]:,}',
        wording.number(row['yield'], 'top1'),
        wording.number(row['precision'], 'top1'),
      )
    )
  head = ('threshold', 'kept', 'kept, % of all', 'right, % of kept')
  return tables.named(head, lines, 'wide', label='Pseudo-labels by threshold')


def _by_class(rows: Iterable[Row]) -> str:
  """Pseudo-labels by class, the least precise first, those without any last."""

  def precision(row: Row) -> float:
    return row['precision'] if wording.known(row['precision']) else math.inf

  lines = [
    (
      tables.escape(row['class']),
      f'{row["n"]:,}',
      f'{row["predicted"]:,}',
      wording.number(row['precision'], 'top1'),
      wording.number(row['recall'], 'top1'),
    )
    for row in sorted(rows, key=precision)
  ]
  head = ('class', 'images', 'labelled so', 'precision, %', 'recall, %')
  return tables.named(head, lines, 'wide', label='Pseudo-labels by class')
