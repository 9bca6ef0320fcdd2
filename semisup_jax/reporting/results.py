"""The final numbers: to a file, to a grid, to the terminal."""

import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from semisup_jax.reporting import comparison, findings, pseudo_labels, wording

Row = Mapping[str, Any]


class Grid(NamedTuple):
  """Rows of one metric, by protocol and number of labels.

  Attributes:
    metric: The metric of every cell.
    protocols: In the order of the table.
    ks: Labels a class, ascending, 'all' last.
    cells: `(protocol, k)` to its row; a pair that was not measured is absent.
    best: For each of `ks`, the protocols with the best mean. It is empty where
      there is nothing to compare.
  """

  metric: str
  protocols: list[str]
  ks: list[float | str]
  cells: dict[tuple[str, float | str], Row]
  best: dict[float | str, set[str]]

  def draws(self, k: float | str) -> set[int]:
    """The different n in the column of `k`."""
    return {row['n'] for (_, other), row in self.cells.items() if other == k}


def write_json(path: str | os.PathLike, results: Mapping[str, Any]) -> None:
  """Writes `results` as strict JSON, in one step.

  The file is either the old one or the whole new one, never a part. NumPy and
  JAX numbers become plain ones; NaN and infinity, which JSON has no word for,
  become null.

  Args:
    path: The file; its folder exists.
    results: Nested mappings and sequences of numbers and text.

  Raises:
    TypeError: If a value is none of these; the message says where it is.
  """
  text = json.dumps(
    _plain(results, 'results'), indent=2, allow_nan=False, ensure_ascii=False
  )
  write_whole(path, text + '\n')


def write_whole(path: str | os.PathLike, text: str) -> None:
  """Writes a file in one step: it is either the old one or the whole new one.

  Args:
    path: The file; its folder exists.
    text: What it will hold.
  """
  path = pathlib.Path(path)
  part = path.with_name(f'.{path.name}.{os.getpid()}.part')
  try:
    with open(part, 'w', encoding='utf-8') as file:
      file.write(text)
      file.flush()
      os.fsync(file.fileno())
    os.replace(part, path)
  finally:
    part.unlink(missing_ok=True)


def results_table(rows: Sequence[Row]) -> Grid:
  """Lays rows of one metric out as protocol x labels a class.

  Args:
    rows: Rows as in results.json. Those of another metric than the first row's
      are left out; of two rows with one place, the last counts.
  """
  rows = comparison.comparable(rows)
  cells = {(row['protocol'], row['labels_per_class']): row for row in rows}
  protocols = comparison.in_order(protocol for protocol, _ in cells)
  ks = wording.ordered(k for _, k in cells)
  best = {}
  for k in ks:
    column = [cells[p, k] for p in protocols if (p, k) in cells]
    leaders = comparison.leaders(column) if len(column) > 1 else []
    best[k] = {row['protocol'] for row in leaders}
  metric = rows[0]['metric'] if rows else 'top1'
  return Grid(metric, protocols, ks, cells, best)


def print_summary(results: Mapping[str, Any], console: Console) -> None:
  """Prints the table and what it says.

  Args:
    results: As in results.json.
    console: Where to.
  """
  grid = results_table(results.get('rows', ()))
  console.print()
  if grid.cells:
    console.print(_terminal_table(grid, results))
  for sentence in findings.sentences(results):
    console.print(Text(sentence))
  for sentence in pseudo_labels.sentences(results.get('tables', {})):
    console.print(Text(sentence))
  scope = findings.scope(results)
  if scope:
    console.print(Text(scope, style='dim'))


def _terminal_table(grid: Grid, results: Mapping[str, Any]) -> Table:
  title = (
    f'{wording.metric_with_unit(grid.metric)}: '
    f'{wording.method(str(results.get("method", "")))} on '
    f'{results.get("dataset", "")}, {results.get("split", "test")} split, '
    'mean ± std'
  )
  table = Table(
    box=box.SIMPLE_HEAD,
    title=Text(title),
    title_justify='left',
    pad_edge=False,  # Three digits and a spread, four times, fit in a line.
  )
  table.add_column('labels a class', no_wrap=True)
  for k in grid.ks:
    draws = '/'.join(str(n) for n in sorted(grid.draws(k)))
    table.add_column(
      Text(f'{wording.count(k)}\nn = {draws}'), justify='right', no_wrap=True
    )
  for protocol in grid.protocols:
    cells = [_terminal_cell(grid, protocol, k) for k in grid.ks]
    table.add_row(Text(wording.protocol(protocol)), *cells)
  return table


def _terminal_cell(grid: Grid, protocol: str, k: float | str) -> Text:
  row = grid.cells.get((protocol, k))
  if row is None:
    return Text('')
  text = wording.number(row['mean'], grid.metric)
  if wording.known(row.get('std')):
    text += f' ± {wording.number(row["std"], grid.metric)}'
  best = protocol in grid.best[k]
  return Text(text + (' *' if best else '  '), style='bold' if best else '')


def _plain(value: Any, where: str) -> Any:
  if hasattr(value, 'to_dict'):  # An ml_collections.ConfigDict.
    value = value.to_dict()
  if isinstance(value, Mapping):
    return {str(k): _plain(v, f'{where}.{k}') for k, v in value.items()}
  if isinstance(value, list | tuple | set | frozenset):
    return [_plain(v, f'{where}[{i}]') for i, v in enumerate(value)]
  if isinstance(value, os.PathLike):
    return os.fspath(value)
  if hasattr(value, '__array__'):
    array = np.asarray(value)
    if array.dtype.kind == 'V':  # bfloat16 is none of NumPy's own.
      array = array.astype(np.float32)
    if array.dtype.kind in 'biufU':
      return _plain(array.tolist(), where)
  if isinstance(value, float):
    return value if math.isfinite(value) else None
  if value is None or isinstance(value, str | bool | int):
    return value
  raise TypeError(
    f'{where} is a {type(value).__name__}, {value!r}; JSON holds mappings, '
    'sequences, numbers and text'
  )
