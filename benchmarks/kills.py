"""Kills runs with `kill -9` at random moments, and compares how they end.

  python -m benchmarks.kills --times=50

Each of three commands (SimCLR, labels alone with early stopping, a study) is
run once undisturbed, and once more while it is killed and started again, that
many times in all. In the end the last checkpoint must hold the same bits,
metrics.jsonl every step once with the same numbers, model.npz the same arrays,
and results.json the same rows. Exit status 1 if anything differs. The study's
points keep no checkpoints; of it results are compared.
"""

import argparse
import collections
import contextlib
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]
TINY = (
  '--config.batch_size=32',
  '--config.model.width=4',
  '--config.model.strides=2,2',
  '--config.schedule.steps=60',
  '--config.checkpoint.every=5',
)
JOBS = {
  'simclr': (
    '--config=configs/simclr.py',
    *TINY,
    '--config.schedule.warmup=2',
    '--config.evaluation.every=15',
    '--config.evaluation.protocols=knn',
    '--config.evaluation.labels_per_class=3',
  ),
  'early_stopping': (
    '--config=configs/supervised.py',
    *TINY,
    '--config.evaluation.every=5',
    '--config.evaluation.patience=2',
    '--config.optimizer.learning_rate=0.03',
  ),
  'study': (
    '--config=configs/studies/methods.py',
    '--config.methods=raw_pixels',
    '--config.labels_per_class=1,5',
    '--config.draws=2',
  ),
}
# What a process may take from its start to its end, or to the kill.
SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Moment:
  """When to kill: once something is seen in the workdir, and a little later.

  Attributes:
    name: Of what is waited for.
    seen: Whether it has come, `workdir -> bool`.
    delay: Seconds after it.
  """

  name: str
  seen: Callable[[pathlib.Path], bool]
  delay: float


def is_writing(workdir: pathlib.Path) -> bool:
  """Whether Orbax has a checkpoint in the making."""
  return bool(list(workdir.glob('checkpoints/*.orbax-checkpoint-tmp*')))


WRITING = ('a checkpoint is written', is_writing)


def moments(seed: int) -> Iterator[Moment]:
  """Moments of every kind in turn, without end.

  The first of them lets a run end whose training was done before: it writes no
  checkpoint any more. So the second of its kind is in the midst of training.
  """
  chance = random.Random(seed)
  while True:
    step = chance.randrange(1, 60)
    for name, seen in (
      WRITING,
      ('the folder is made', lambda w: w.exists()),
      ('some steps are done', lambda w, n=step: lines(w) >= n),
      WRITING,
      ('training is done', lambda w: bool(list(w.glob('checkpoints/60')))),
      ('no special moment', lambda w: True),
    ):
      longest = 8.0 if name == 'no special moment' else 0.05
      yield Moment(name, seen, chance.uniform(0, longest))


def lines(workdir: pathlib.Path) -> int:
  """Lines of metrics.jsonl."""
  path = workdir / 'metrics.jsonl'
  return path.read_bytes().count(b'\n') if path.exists() else 0


def start(job: str, workdir: pathlib.Path) -> subprocess.Popen:
  """Starts the command of a job in a process of its own."""
  return subprocess.Popen(
    [sys.executable, 'launch.py', *JOBS[job], f'--workdir={workdir}'],
    cwd=ROOT,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
  )


def finish(job: str, workdir: pathlib.Path) -> None:
  """Runs a job to its end.

  Raises:
    RuntimeError: With what it said, if it failed.
  """
  process = start(job, workdir)
  _, said = process.communicate(timeout=SECONDS)
  if process.returncode:
    raise RuntimeError(f'{job} ended with {process.returncode}: {said}')


def kill(job: str, workdir: pathlib.Path, moment: Moment) -> bool:
  """Starts a job and kills it; returns whether it was still running then."""
  process = start(job, workdir)
  deadline = time.monotonic() + SECONDS
  try:
    while process.poll() is None and not moment.seen(workdir):
      if time.monotonic() > deadline:
        raise TimeoutError(f'{job}: never seen: {moment.name}')
      time.sleep(0.001)
    with contextlib.suppress(subprocess.TimeoutExpired):
      process.wait(moment.delay)
    return process.poll() is None
  finally:
    process.kill()
    process.communicate()


def outcome(workdir: pathlib.Path) -> dict[str, Any]:
  """What must be the same, however often a run was killed."""
  results = json.loads((workdir / 'results.json').read_text())
  found = {'rows': results['rows']}
  digests = sorted(
    workdir.glob('checkpoints/*/digest/metadata'),
    key=lambda p: int(p.parts[-3]),
  )
  if digests:
    found['last checkpoint'] = (digests[-1].parts[-3], digests[-1].read_text())
    found['metrics'] = (workdir / 'metrics.jsonl').read_text()
    # With a hash of model.npz.
    found['model'] = (workdir / 'model.json').read_text()
  return found


def compare(
  job: str, times: int, folder: pathlib.Path, seed: int = 0
) -> tuple[dict[str, int], list[str]]:
  """Runs a job undisturbed and killed.

  Args:
    job: A key of `JOBS`.
    times: How often it is killed.
    folder: For the workdirs of both.
    seed: Of the moments.

  Returns:
    Kills by moment, and the names of what differs in the end.
  """
  finish(job, folder / 'undisturbed')
  expected = outcome(folder / 'undisturbed')
  kills = collections.Counter()
  part = 0
  chance = moments(seed)
  while kills.total() < times:
    workdir = folder / f'killed{part}'
    moment = next(chance)
    if kill(job, workdir, moment):
      kills[moment.name] += 1
    elif (workdir / 'report.html').exists() or (workdir / 'page.md').exists():
      part += 1  # It has ended: go on killing in a new folder.
  differing = []
  for i in range(part + 1):
    finish(job, folder / f'killed{i}')
    found = outcome(folder / f'killed{i}')
    differing += [
      f'{name} of run {i}' for name in expected if found[name] != expected[name]
    ]
  return dict(kills), differing


def main() -> int:
  """Prints one table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--times', type=int, default=50)
  times = parser.parse_args().times
  print('| job | killed | while | differs in the end |')
  print('| --- | --- | --- | --- |')
  failed = False
  for job in JOBS:
    with tempfile.TemporaryDirectory() as folder:
      kills, differing = compare(job, times, pathlib.Path(folder))
    failed |= bool(differing)
    moments_seen = ', '.join(f'{n} x {name}' for name, n in kills.items())
    differs = ', '.join(differing) or 'nothing'
    print(
      f'| {job} | {sum(kills.values())} times | {moments_seen} | {differs} |',
      flush=True,
    )
  return int(failed)


if __name__ == '__main__':
  sys.exit(main())
