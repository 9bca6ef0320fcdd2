"""The page about data, before anything is learned from it."""

import os
from collections.abc import Sequence

from semisup_jax.reporting import data_findings, document, tables
from semisup_jax.reporting.data_findings import Seen

SHOWN_SIZES = 8
SHOWN_PAIRS = 10  # Of labels that images have at once.


def write_page(
  path: str | os.PathLike,
  seen: Seen,
  figures: Sequence[document.FigureFiles],
  command: str,
) -> None:
  """Writes one HTML file that needs no other.

  Args:
    path: The file.
    seen: The data.
    figures: Title, caption and files of each.
    command: The command line that makes the page.
  """
  title = f'The data: {seen.name}'
  parts = [
    document.header(title, [], data_findings.headline(seen)),
    document.notes('To look at', data_findings.wrong(seen)),
    _counts(seen),
    _figures(figures),
    _facts(seen),
    document.skipped(seen.skipped),
    document.notes('How the files were read', seen.notes),
    f'<section>\n<h2>How to repeat it</h2>\n{document.command(command)}'
    '</section>',
  ]
  document.write(path, title, parts)


def _counts(seen: Seen) -> str:
  """Images of each class by part."""
  if not seen.counts:
    return ''
  parts = list(seen.counts)
  names = list(seen.counts[parts[0]])
  lines = [
    (document.escape(name), *(f'{seen.counts[p][name]:,}' for p in parts))
    for name in names
  ]
  totals = {'all': seen.images}
  if seen.several is not None:
    totals = {'none of them': seen.several.without, 'all images': seen.images}
  lines += [
    (name, *(f'{count[part]:,}' for part in parts))
    for name, count in totals.items()
  ]
  table = tables.named(
    ('class', *parts), lines, 'small', label='Images by class'
  )
  if len(names) > 20:
    table = tables.folded('Every class', table)
  return (
    f'<section>\n<h2>Labelled images</h2>\n{table}\n<p class="hint">As a run '
    'with these fields divides them; without labels there are '
    f'{seen.unlabelled:,} more.</p>\n{_together(seen)}</section>'
  )


def _together(seen: Seen) -> str:
  """Which two labels images have at once, the most frequent pairs."""
  if seen.several is None or not seen.several.together:
    return ''
  pairs = list(seen.several.together.items())[:SHOWN_PAIRS]
  lines = [
    (document.escape(f'{a} and {b}'), f'{count:,}') for (a, b), count in pairs
  ]
  head = 'two labels of one image', 'images'
  return tables.named(head, lines, 'small', label='Labels of one image')


def _figures(figures: Sequence[document.FigureFiles]) -> str:
  shown = '\n'.join(document.figure(*figure) for figure in figures)
  return (
    '<section>\n<h2>A look at them</h2>\n'
    f'<div class="figures">\n{shown}\n</div>\n</section>'
  )


def _facts(seen: Seen) -> str:
  height, width, channels = seen.shape
  kinds = sorted(seen.kinds.items(), key=lambda item: -item[1])
  facts = {
    'Read as': f'{width} x {height}, {"grey" if channels == 1 else "RGB"}',
    'Sizes of the files': _sizes(seen),
    'Kinds of files': ', '.join(f'{n:,} {kind}' for kind, n in kinds),
    'Channel mean': ' '.join(f'{x:.4f}' for x in seen.mean),
    'Channel std': ' '.join(f'{x:.4f}' for x in seen.std),
  }
  return f'<section>\n<h2>Pixels</h2>\n{document.facts(facts)}</section>'


def _sizes(seen: Seen) -> str:
  sizes = sorted(seen.sizes.items(), key=lambda item: (-item[1], item[0]))
  shown = ', '.join(f'{n:,} of {w}x{h}' for (w, h), n in sizes[:SHOWN_SIZES])
  more = len(sizes) - SHOWN_SIZES
  return f'{shown}, and {more:,} other sizes' if more > 0 else shown
