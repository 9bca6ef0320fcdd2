"""rows.jsonl: one JSON object for each finished point of a study."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import results as results_lib
from semisup_jax.studies import folder
from semisup_jax.studies.points import Point

Row = dict[str, Any]

# Of results.json, what rows keep; a study's config may name others, `tables`.
TABLES = ('metrics',)


def collect(
  workdir: pathlib.Path,
  points: Sequence[Point],
  tables: Sequence[str] = TABLES,
) -> list[Row]:
  """Reads every finished point, whoever ran it, in the order of the sweep.

  Args:
    workdir: The study's folder.
    points: All of the sweep.
    tables: Those of the tables of results.json that are kept.

  Returns:
    Rows: `point` (its name), `factors`, `method`, `seconds`, `rows` as in
    results.json, `tables` (a dict of more rows), `counts` (images by part),
    `channel_mean` and `channel_std`, by which images are normalized, `commit`
    and `hardware`.

  Raises:
    InputError: If a point's folder holds a run of another config.
  """
  found = [(point, folder.results(workdir, point)) for point in points]
  return [_row(p, results, tables) for p, results in found if results]


def write(path: pathlib.Path, rows: Sequence[Row]) -> None:
  """Writes one JSON object a line, all of them in one step."""
  lines = (json.dumps(row, ensure_ascii=False) + '\n' for row in rows)
  results_lib.write_whole(path, ''.join(lines))


def read(path: pathlib.Path) -> list[Row]:
  """Reads rows that `write` wrote."""
  lines = path.read_text(encoding='utf-8').splitlines()
  return [json.loads(line) for line in lines]


def _row(
  point: Point, results: Mapping[str, Any], tables: Sequence[str]
) -> Row:
  run = results.get('run', {})
  known = results.get('tables', {})
  return {
    'point': point.name,
    'factors': point.factors,
    'method': results.get('method'),
    'seconds': run.get('seconds'),
    'rows': results['rows'],
    'tables': {name: known[name] for name in tables if name in known},
    'counts': run.get('counts', {}),
    'channel_mean': run.get('channel_mean'),
    'channel_std': run.get('channel_std'),
    'commit': run.get('commit'),
    'hardware': run.get('hardware'),
  }
