"""The page about a network that was looked into."""

import os
from collections.abc import Sequence

from semisup_jax.reporting import document, inside, tables, wording
from semisup_jax.reporting.inside import Inside


def write_page(
  path: str | os.PathLike,
  found: Inside,
  figures: Sequence[document.FigureFiles],
  command: str,
) -> None:
  """Writes one HTML file that needs no other.

  Args:
    path: The file.
    found: What was found.
    figures: Title, caption and files of each.
    command: The command line that makes the page.
  """
  title = f'A look inside: {found.source}'
  shown = '\n'.join(document.figure(*figure) for figure in figures)
  parts = [
    document.header(
      title,
      [wording.method(found.method), found.model, found.images],
      inside.headline(found),
    ),
    document.notes('What was looked at', inside.sentences(found)),
    f'<section>\n<h2>A look</h2>\n<div class="figures">\n{shown}\n</div>\n'
    '</section>'
    if figures
    else '',
    _said(found),
    document.notes('What is left out', found.left_out),
    document.skipped(found.skipped),
    document.notes('How the images were read', found.notes),
    f'<section>\n<h2>How to repeat it</h2>\n{document.command(command)}'
    '</section>',
  ]
  document.write(path, title, parts)


def _said(found: Inside) -> str:
  """The most probable classes of each image, in numbers."""
  if not found.said:
    return ''
  known = any(said.truth is not None for said in found.said)
  count = len(found.said[0].classes)
  head = ['image', *['true class'] * known]
  head += [str(place + 1) for place in range(count)]
  lines = []
  for said in found.said:
    cells = [
      f'{name}, {100 * share:.2f} %'
      for name, share in zip(said.classes, said.probabilities, strict=True)
    ]
    truth = [said.truth or 'unknown'] * known
    lines.append((said.name, *truth, *cells))
  table = tables.texts(head, lines, 'small', label='Most probable classes')
  return f'<section>\n<h2>The most probable classes</h2>\n{table}\n</section>'
