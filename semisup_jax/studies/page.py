"""The page of a study that has none of its own: page.md, tables of means."""

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown, statistics

Row = Mapping[str, Any]

NAME = 'page.md'  # Of every study's page, in its folder.


def write_page(
  config: Any, rows: Sequence[Row], workdir: pathlib.Path, console: Console
) -> None:
  """Writes page.md: one table for each metric, and what its numbers are.

  Args:
    config: Of the study.
    rows: Of its points, as in rows.jsonl.
    workdir: The study's folder.
    console: Where it is said where the page is.
  """
  means = summary(rows)
  seconds = sum(row['seconds'] or 0 for row in rows)
  parts = [
    f'# {markdown.escape(config.study)}\n',
    f'{len(rows)} points, {wording.duration(seconds)} in all.\n',
  ]
  for metric in dict.fromkeys(row['metric'] for row in means):
    parts.append(_section([r for r in means if r['metric'] == metric], metric))
  if means:
    parts.append(_note(means))
  save(parts, workdir, console)


def found(heading: str, sentences: Iterable[str]) -> str:
  """A section of findings, a line each; nothing where there is none."""
  lines = ''.join(f'* {sentence}\n' for sentence in sentences)
  return f'## {heading}\n\n{lines}' if lines else ''


def figure(
  workdir: pathlib.Path, path: str, alt: str, caption: str, draw: Callable
) -> str:
  """Draws a figure in both themes, and returns how the page shows it.

  Args:
    workdir: The study's folder.
    path: Of the files in it, without what tells the themes apart and the
      ending, as 'few_labels/accuracy'.
    alt: What is seen, for one who does not see it.
    caption: Stands below; Markdown.
    draw: `(figures, theme) -> Figure`.
  """
  from semisup_jax.reporting import figures

  files = {theme: f'{path}-{theme}.png' for theme in ('light', 'dark')}
  for theme, file in files.items():
    figures.save(draw(figures, theme), workdir / file)
  return (
    f'{markdown.picture(files["light"], files["dark"], alt)}\n\n{caption}\n'
  )


def save(parts: Iterable[str], workdir: pathlib.Path, console: Console) -> None:
  """Writes the page of a study, and says where it is.

  Args:
    parts: Its sections; empty ones are left out.
    workdir: The study's folder.
    console: Where a person reads it.
  """
  path = workdir / NAME
  path.write_text('\n'.join(filter(None, parts)), encoding='utf-8')
  console.print(str(path), highlight=False, soft_wrap=True)


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """Means by all factors, over seeds where there are any."""
  factors = list(rows[0]['factors'])
  over = 'seed' if 'seed' in factors else 'point'
  columns = [k for one in statistics.observations(rows) for k in one]
  known = [k for k in dict.fromkeys(columns) if k not in ('point', 'value')]
  return statistics.summarize(
    rows, by=[field for field in known if field != over], over=over
  )


def _section(rows: Sequence[Row], metric: str) -> str:
  """A heading and a table; fields that are the same everywhere are left out."""
  told = {'labels_per_class', 'metric', 'over', 'units', 'mean', 'std', 'n'}
  told |= {'low', 'high', 'interval', 'values'}
  fields = [k for k in rows[0] if k not in told]
  down = [k for k in fields if len({row[k] for row in rows}) > 1]
  table = markdown.grid(rows, down or fields[:1])
  return f'## {wording.metric_with_unit(metric)}\n\n{table}'


def _note(rows: Sequence[Row]) -> str:
  return (
    f'Mean ± standard deviation, {markdown.replications(rows)}; what a run '
    'drew several times (its labelled images) is averaged first.\n'
  )
