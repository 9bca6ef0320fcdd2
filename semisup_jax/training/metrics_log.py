"""What happened during a run: one JSON object a line, and TensorBoard."""

import importlib.util
import json
import math
import pathlib
from collections.abc import Mapping


class MetricsLog:
  """Appends metrics to `metrics.jsonl`, and to `tb/` if tensorboardX is there.

  A line is `{"step": ..., "split": ..., name: value, ...}`; `step` counts the
  steps done. Opening the log again cuts it back to where the run goes on, so
  that every step stands there once.
  """

  def __init__(self, workdir: pathlib.Path, *, from_step: int):
    """Opens the log; lines of steps after `from_step` are removed."""
    self._path = workdir / 'metrics.jsonl'
    kept = [row for row in read_metrics(workdir) if row['step'] <= from_step]
    text = ''.join(json.dumps(row) + '\n' for row in kept)
    temporary = self._path.with_suffix('.tmp')
    temporary.write_text(text)
    temporary.replace(self._path)
    self._file = self._path.open('a')
    self._board = None
    if importlib.util.find_spec('tensorboardX') is not None:
      import tensorboardX

      self._board = tensorboardX.SummaryWriter(
        str(workdir / 'tb'), purge_step=from_step + 1, max_queue=1000
      )

  def write(self, step: int, split: str, metrics: Mapping[str, float]) -> None:
    """Adds one line. Values that are not finite are written as null."""
    values = {
      name: float(value) if math.isfinite(value) else None
      for name, value in metrics.items()
    }
    row = {'step': step, 'split': split, **values}
    self._file.write(json.dumps(row, allow_nan=False) + '\n')
    if self._board is not None:
      for name, value in values.items():
        if value is not None:
          self._board.add_scalar(f'{split}/{name}', value, step)

  def flush(self) -> None:
    """Hands what was written to the operating system."""
    self._file.flush()

  def close(self) -> None:
    """Flushes and closes the files."""
    self._file.close()
    if self._board is not None:
      self._board.close()


def read_metrics(workdir: pathlib.Path) -> list[dict]:
  """Reads `metrics.jsonl`; a last line that was cut off is left out."""
  path = workdir / 'metrics.jsonl'
  if not path.exists():
    return []
  rows = []
  for line in path.read_text().split('\n'):
    try:
      rows.append(json.loads(line))
    except json.JSONDecodeError:
      break  # Nothing whole comes after a line that was cut off.
  return rows
