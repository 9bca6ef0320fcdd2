"""The audit of pseudo-labels, over seeds: as used, and by threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.methods.measured import Measured

Row = Mapping[str, Any]
WHAT = ('yield', 'precision')


def section(measured: Measured) -> str:
  """Yield and precision of every method that uses unlabelled images."""
  found: dict[tuple[str, Any], list[Row]] = {}
  for row in measured.rows:
    key = row['factors']['method'], row['factors']['labels']
    found.setdefault(key, []).extend(row['tables'].get('pseudo_labels', ()))
  found = {key: rows for key, rows in found.items() if rows}
  if not found:
    return ''
  counts = wording.ordered(k for _, k in found)
  middle = counts[len(counts) // 2]
  return '\n'.join(
    [
      '## The pseudo-labels\n',
      'Of the unlabelled images, whose truth is known and was not used: the '
      'share of which the model is sure enough (yield), and the share of these '
      'that is right (precision), in per cent. Mean Teacher uses no threshold, '
      'so its precision is its accuracy on them; FlexMatch is audited at the '
      'highest threshold that a class can have; in self-training it is the '
      'teacher that labels. Where a seed kept nothing, its precision is not '
      'known, and it is said of how many seeds the mean is.\n',
      _as_used(found, counts),
      f'Yield / precision by threshold, {wording.labels(middle)}:\n',
      _by_threshold({m: rows for (m, k), rows in found.items() if k == middle}),
    ]
  )


def _as_used(found: Mapping[tuple, Sequence[Row]], counts) -> str:
  methods = dict.fromkeys(method for method, _ in found)
  body = []
  for method in methods:
    used = {
      k: [row for row in found.get((method, k), ()) if row.get('used')]
      for k in counts
    }
    threshold = next(row['threshold'] for rows in used.values() for row in rows)
    cells = (markdown.share(used[k], what) for k in counts for what in WHAT)
    body.append([wording.protocol(method), f'{threshold:g}', *cells])
  head = ['method', 'threshold']
  head += [f'{what}, {k}' for k in counts for what in WHAT]
  return markdown.table(head, body)


def _by_threshold(found: Mapping[str, Sequence[Row]]) -> str:
  thresholds = sorted({r['threshold'] for rows in found.values() for r in rows})
  body = [
    [
      wording.protocol(method),
      *(_pair([r for r in rows if r['threshold'] == t]) for t in thresholds),
    ]
    for method, rows in found.items()
  ]
  return markdown.table(['method', *(f'{t:g}' for t in thresholds)], body)


def _pair(rows: Sequence[Row]) -> str:
  if not rows:
    return ''
  return ' / '.join(markdown.share(rows, what, spread=False) for what in WHAT)
