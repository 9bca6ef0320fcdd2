"""The head of a page: the table, its figure, the differences, and the words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import document, tables, wording
from semisup_jax.reporting.results import Grid, results_table

Row = Mapping[str, Any]

escape, prose = tables.escape, tables.prose


def layout(parts: Iterable[str], *, columns: int) -> str:
  """Puts the parts of the overview on the page.

  Args:
    parts: HTML; of sections in any order, figures among them.
    columns: Of the table; beside one of few there is room for the figure.
  """
  wide = ' beside' if columns <= 5 else ''
  return f'<div class="overview{wide}">\n{"".join(parts)}\n</div>'


def numbers(
  rows: Sequence[Row],
  split: str,
  *,
  name: Callable[[Any], str] = wording.protocol,
  more: str = '',
) -> str:
  """The table of means, and what they are.

  Args:
    rows: As in results.json, one of them at least with a mean.
    split: The part that was tested on.
    name: What a row's `protocol` is called.
    more: A sentence on what the numbers are to be held against.
  """
  grid = results_table(rows)
  title = wording.metric_with_unit(grid.metric)
  return (
    f'<section>\n<h2>{escape(title)}</h2>\n{tables.main_table(rows, name)}\n'
    f'<p class="hint">{prose(f"{_legend(grid, split)} {more}".strip())}</p>\n'
    '</section>'
  )


def differences(
  pairs: Sequence[Row],
  metric: str,
  *,
  title: str = 'Paired differences',
  over: str = 'Over the same draws',
  name: Callable[[Any], str] = wording.protocol,
) -> str:
  """The table of differences; nothing where there is none.

  Args:
    pairs: See `tables.differences`.
    metric: What is compared.
    title: Of the section.
    over: What the intervals are over, as the first words of a sentence.
    name: What a `protocol` or a `baseline` is called.
  """
  if not pairs:
    return ''
  points = ', points' if metric in wording.PERCENT else ''
  return (
    f'<section class="differences">\n<h2>{escape(title + points)}</h2>\n'
    f'{tables.differences(pairs, metric, name)}\n'
    f'<p class="hint">{escape(over)}, with the 95&nbsp;% interval. '
    '&dagger;&nbsp;the interval excludes 0.</p>\n</section>'
  )


def words(sentences: Sequence[str], scope: str) -> str:
  """The findings in words, and what they cover; nothing where there is none."""
  if not sentences:
    return ''
  scope = f'\n<p class="hint">{prose(scope)}</p>' if scope else ''
  return (
    '<section class="words">\n<h2>In words</h2>\n'
    f'{document.items(map(prose, sentences))}{scope}\n</section>'
  )


def _legend(grid: Grid, split: str) -> str:
  kinds = {wording.repeats(r.get('interval')) for r in grid.cells.values()}
  text = f'Mean ± standard deviation on the {split} split, over n '
  text += wording.listed(sorted(kinds))
  text += ' of the labelled images.' if kinds == {'draws'} else '.'
  if any(grid.best.values()):
    text += ' *\N{NO-BREAK SPACE}best mean of its column.'
  single = [row for row in grid.cells.values() if row['n'] == 1]
  if single:
    text += ' A single fit has no spread'
    known = any(wording.known(row.get('low')) for row in single)
    text += '; its interval is in Every number.' if known else '.'
  return text
