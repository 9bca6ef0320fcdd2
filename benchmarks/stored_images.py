"""The memory of a run whose images stay in their files, over an epoch.

  python -m benchmarks.stored_images
  python -m benchmarks.stored_images --in_memory

Writes a folder of random JPEG files of 32 px, as many as are asked for, of
which 1,000 are labelled, learns from them for an epoch of Barlow Twins by
launch.py, the network as small as it can be, and prints how much memory its
processes held meanwhile. A file is counted once, however many processes map it
(the proportional set size, PSS). The folder is removed.
"""

import argparse
import contextlib
import datetime
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE, CLASSES, LABELLED = 32, 10, 1000
_IN_A_FOLDER = 1000
_EVERY = 0.5  # Seconds between two looks.


class Look(NamedTuple):
  """What the processes held at one moment.

  Attributes:
    seconds: Since the start.
    step: The last one that is in metrics.jsonl; 0 before there is one.
    main: Resident memory of the process that trains, in bytes.
    workers: Resident memory of each reading process.
    whole: PSS of all processes together.
  """

  seconds: float
  step: int
  main: int
  workers: tuple[int, ...]
  whole: int


def write(folder: pathlib.Path, count: int) -> None:
  """Writes the files: each other pixels, the classes by their brightness."""
  random = np.random.default_rng(0)
  for i in range(count):
    kind = f'class{i % CLASSES}' if i < LABELLED else 'unlabelled'
    path = folder / kind / f'{i // _IN_A_FOLDER:04d}'
    path.mkdir(parents=True, exist_ok=True)
    # Neighbouring pixels alike, as in pictures.
    small = random.integers(10 * (i % CLASSES), 256, (8, 8, 3), np.uint8)
    pixels = small.repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, 'jpeg', quality=80)
    (path / f'{i:06d}.jpg').write_bytes(buffer.getvalue())


def command(
  images: pathlib.Path, workdir: pathlib.Path, changes: dict[str, object]
) -> list[str]:
  """The command line of the run."""
  fields = {
    'data.path': images,
    'data.image_size': SIDE,
    'data.views': 'flip_left_right|color_jitter(0.4, 0.4, 0.0, 0.0)|normalize',
    'batch_size': 512,
    'model.width': 4,
    'method.projector_hidden': 32,
    'method.projector_output': 32,
    'schedule.epochs': 1.0,
    'schedule.warmup': 0,
    'evaluation.every': 10**6,
    'evaluation.protocols': 'knn',
    'evaluation.labels_per_class': 5,
    'checkpoint.keep': 0,
    **changes,
  }
  return [
    *(sys.executable, 'launch.py', '--config=configs/barlow_twins.py:folder'),
    *(f'--config.{field}={value}' for field, value in fields.items()),
    f'--workdir={workdir}',
  ]


def watched(arguments: Sequence[str], workdir: pathlib.Path) -> Iterator[Look]:
  """Runs a command line and looks at its processes until it ends."""
  start = time.perf_counter()
  environment = {**os.environ, 'PYTHONPATH': os.getcwd()}
  with subprocess.Popen(arguments, env=environment) as process:
    while process.poll() is None:
      # A process may end while it is looked at.
      with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        yield look(process.pid, workdir, time.perf_counter() - start)
      time.sleep(_EVERY)
  if process.returncode:
    sys.exit(f'the run ended with status {process.returncode}')


def look(pid: int, workdir: pathlib.Path, seconds: float) -> Look:
  """Looks at a process and those that it has started."""
  memory = {pid: _memory(pid)}
  for child in _children(pid):
    # It may have ended since, or be a zombie, which has no memory.
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
      memory[child] = _memory(child)
  return Look(
    seconds,
    _last_step(workdir / 'metrics.jsonl'),
    memory[pid]['Rss'],
    # The other one keeps the books of shared memory, in 15 MB.
    tuple(m['Rss'] for i, m in memory.items() if i != pid and m['Rss'] > 5e7),
    sum(m['Pss'] for m in memory.values()),
  )


def _children(pid: int) -> list[int]:
  tasks = pathlib.Path(f'/proc/{pid}/task').iterdir()
  texts = [(task / 'children').read_text() for task in tasks]
  return [int(child) for text in texts for child in text.split()]


def _memory(pid: int) -> dict[str, int]:
  """Bytes by kind, as Linux sums them up."""
  text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
  words = [line.split() for line in text.splitlines()[1:]]
  return {word[0].rstrip(':'): 1024 * int(word[1]) for word in words}


def _last_step(path: pathlib.Path) -> int:
  lines = path.read_text().splitlines() if path.exists() else []
  return json.loads(lines[-1])['step'] if lines else 0


def rows(looks: Sequence[Look]) -> Iterator[str]:
  """A table: before the first step, at tenths of the epoch, and after it."""
  last = looks[-1].step
  yield '| until step | s | training process | reading processes | all, PSS |'
  yield '| --- | --- | --- | --- | --- |'
  # Steps are written down some at a time, so the first are told from later.
  yield _row('the first', [x for x in looks if not x.step])
  for tenth in range(10):
    low, high = tenth * last / 10, (tenth + 1) * last / 10
    yield _row(f'{high:.0f}', [x for x in looks if low < x.step < high])
  yield _row('the end', [x for x in looks if x.step == last])


def pace(looks: Sequence[Look]) -> float:
  """Seconds a step, from the first that were written down to the last."""
  first = next(x for x in looks if x.step)
  last = next(x for x in looks if x.step == looks[-1].step)
  return (last.seconds - first.seconds) / max(last.step - first.step, 1)


def _row(name: str, looks: Sequence[Look]) -> str:
  """The largest of some looks, in MB (10**6 bytes)."""
  if not looks:
    return f'| {name} | | | | |'
  main, whole = max(x.main for x in looks), max(x.whole for x in looks)
  workers = max((x.workers for x in looks), key=sum)
  shown = ' + '.join(f'{size / 1e6:.0f}' for size in workers) or 'none'
  return (
    f'| {name} | {looks[-1].seconds:.0f} | {main / 1e6:.0f} | {shown} | '
    f'{whole / 1e6:.0f} |'
  )


def main() -> None:
  """Prints a table."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--images', type=int, default=200_000)
  parser.add_argument('--workers', type=int, default=1)
  parser.add_argument('--in_memory', action='store_true')
  arguments = parser.parse_args()
  changes = {'data.in_memory': arguments.in_memory}
  if not arguments.in_memory:
    changes['data.workers'] = arguments.workers
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    write(folder / 'images', arguments.images)
    workdir = folder / 'run'
    words = command(folder / 'images', workdir, changes)
    looks = list(watched(words, workdir))
    how = ', '.join(f'{field}={value}' for field, value in changes.items())
    print(
      f'{arguments.images:,} files, {how} ({datetime.date.today()}): '
      f'{pace(looks):.2f} s a step; MB, the largest since the row before'
    )
    print('\n'.join(rows(looks)))


if __name__ == '__main__':
  main()
