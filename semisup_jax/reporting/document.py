"""One HTML file that needs no other, and what every page of ours shows."""

import base64
import os
import pathlib
import struct
from collections.abc import Iterable, Mapping, Sequence

from semisup_jax.reporting import results, stylesheet, tables

# A title, a caption, and the theme's name to the PNG that shows it.
FigureFiles = tuple[str, str, Mapping[str, str | os.PathLike]]

escape, prose = tables.escape, tables.prose

_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def write(path: str | os.PathLike, title: str, parts: Iterable[str]) -> None:
  """Writes a page in one step.

  Args:
    path: The file.
    title: Of the window; a text.
    parts: HTML; empty ones are left out.
  """
  body = '\n'.join(filter(None, parts))
  text = _DOCUMENT.format(title=escape(title), css=stylesheet.CSS, body=body)
  results.write_whole(path, text)


def header(title: str, facts: Iterable[str], lead: str) -> str:
  """The page's name, what it is of in one line, and what was found."""
  line = ' · '.join(fact for fact in facts if fact)
  return (
    f'<header>\n<h1>{escape(title)}</h1>\n<p class="meta">{escape(line)}</p>\n'
    f'<p class="lead">{prose(lead)}</p>\n</header>'
  )


def figure(
  title: str, caption: str, files: Mapping[str, str | os.PathLike]
) -> str:
  """A figure in the theme of the reader's screen.

  Args:
    title: Of the figure.
    caption: Stands below.
    files: The PNG of each theme; `dark` is optional, `light` is not.
  """
  # Two images and the stylesheet, not <picture>: Chromium does not choose
  # its source anew for print, and would put the dark one on paper.
  pictures = [_image(files['light'], title, 'light' if 'dark' in files else '')]
  if 'dark' in files:
    pictures.append(_image(files['dark'], title, 'dark'))
  return (
    f'<figure>\n{"".join(pictures)}'
    f'<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption>\n'
    '</figure>\n'
  )


def _image(path: str | os.PathLike, title: str, style: str) -> str:
  png = pathlib.Path(path).read_bytes()
  width, height = struct.unpack('>II', png[16:24])  # The PNG's IHDR.
  return (
    f'<img class="{style}" src="{_data_uri(png)}" width="{width}" '
    f'height="{height}" alt="{escape(title)}">\n'
  )


def _data_uri(png: bytes) -> str:
  return f'data:image/png;base64,{base64.b64encode(png).decode()}'


def command(text: object) -> str:
  """A command line, which breaks between arguments, not after their dashes."""
  spans = ' '.join(
    f'<span class="word">{escape(word)}</span>' for word in str(text).split(' ')
  )
  return f'<pre><code>{spans}</code></pre>\n'


def items(lines: Iterable[str]) -> str:
  """A list; its lines are HTML."""
  lines = '\n'.join(f'<li>{line}</li>' for line in lines)
  return f'<ul class="plain">\n{lines}\n</ul>'


def notes(title: str, lines: Sequence[str]) -> str:
  """A section of sentences, one an item; nothing where there is none."""
  if not lines:
    return ''
  shown = items(map(prose, lines))
  return f'<section>\n<h2>{escape(title)}</h2>\n{shown}\n</section>'


def skipped(lines: Sequence[str], shown: int = 50) -> str:
  """A section of files and rows that were passed over; nothing for none."""
  if not lines:
    return ''
  listed = list(map(escape, lines[:shown]))
  if len(lines) > shown:
    listed.append(f'and {len(lines) - shown:,} more')
  return (
    '<section>\n<h2>Files and rows that cannot be used</h2>\n'
    f'{items(listed)}\n</section>'
  )


def facts(known: Mapping[str, object]) -> str:
  """Facts by their names; those that are empty are left out."""
  lines = [
    f'<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>'
    for name, fact in known.items()
    if fact
  ]
  return (
    '<dl class="facts">\n' + '\n'.join(lines) + '\n</dl>\n' if lines else ''
  )
