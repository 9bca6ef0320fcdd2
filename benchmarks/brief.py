"""Steps of SimCLR on an accelerator that is lent for minutes.

  python -m benchmarks.brief resnet18:1024 resnet18:256

The forms of `python -m benchmarks step`, and our views, for each case and batch
size. Ours is prepared first, alone, as XLA tries how each operation is fastest;
then all others at once, as each takes up to a minute. What is not ready in time
is left out, and said. Outputs are compared in the type that is timed alone.
Tables are printed and kept as by `python -m benchmarks`.
"""

import argparse
import concurrent.futures
import os
import pathlib
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator

from benchmarks import cases, machine, profile, results, step, tables
from benchmarks.racing import Form, FormError, Runner, differences, take_turns

TURNS, SECONDS = 5, 0.5
DTYPE = 'bfloat16'
VIEWS, PRODUCT = 'our views alone', 'a product of matrices'
PROFILED = 'ours, profiled'
# The profiler sees what is launched as a CUDA graph as one.
NO_GRAPHS = '--xla_gpu_enable_command_buffer='
START = time.perf_counter()


def say(text: str) -> None:
  """Prints a line with the seconds since the start."""
  print(f'{time.perf_counter() - START:6.1f} {text}', flush=True)


def _forms(case: str, batch_size: int, folder: str) -> list[Form]:
  """Ours first, which writes the weights that the others begin with."""
  ours, *others = step.forms(case, batch_size, DTYPE, folder)
  flags = f'{os.environ.get("XLA_FLAGS", "")} {NO_GRAPHS}'
  product = {'size': 8192, 'dtype': DTYPE}
  return [
    ours,
    *others,
    ours._replace(
      name=PROFILED,
      arguments={**ours.arguments, 'folder': None},
      environment={'XLA_FLAGS': flags},
    ),
    Form(
      VIEWS,
      'benchmarks.jax_forms:views',
      {'case': case, 'batch_size': batch_size},
    ),
    Form(PRODUCT, 'benchmarks.jax_forms:product', product),
  ]


class _Group:
  """The forms of one step, those of them that are ready, and what they give."""

  def __init__(self):
    self._runners, self.ready, self.apart = {}, {}, {}
    self.flops = 0.0

  def prepare(self, case: str, batch_size: int, within: float) -> None:
    """Makes forms ready, in so many seconds.

    Raises:
      FormError: If one is not that is needed.
    """
    with (
      tempfile.TemporaryDirectory() as folder,
      concurrent.futures.ThreadPoolExecutor() as pool,
    ):
      counted = pool.submit(step.operations, case, batch_size, DTYPE)
      ours, *others = _forms(case, batch_size, folder)
      until = time.perf_counter() + within
      expected = self._prepare(ours)
      found = {form.name: pool.submit(self._prepare, form) for form in others}
      concurrent.futures.wait(
        found.values(), timeout=max(0, until - time.perf_counter())
      )
      for name, future in found.items():
        if not future.done():
          say(f'{name} is not ready in time')
          self._runners[name].signal(signal.SIGKILL)
        elif not future.exception():
          self._compare(name, expected, future.result())
      self.flops = counted.result()
    if lacks := {VIEWS, PRODUCT} - self.ready.keys():
      raise FormError(f'not ready: {", ".join(lacks)}')

  def _prepare(self, form: Form) -> dict | None:
    """What it gives, when it has taken some steps."""
    self._runners[form.name] = runner = Runner(form)
    try:
      with tempfile.TemporaryDirectory() as folder:
        outputs = runner.outputs(pathlib.Path(folder))
      runner.go(2)
    except FormError as error:
      say(str(error))
      raise
    say(f'{form.name} is ready')
    self.ready[form.name] = runner
    return outputs

  def _compare(self, name: str, expected: dict, found: dict | None) -> None:
    if found is None:
      return
    apart = self.apart[name] = differences(expected, found)
    if any(not d <= step.TOLERANCES[DTYPE][k] for k, d in apart.items()):
      say(f'{name} is not ours: {apart}')
      del self.ready[name]

  def close(self) -> None:
    """Ends its processes."""
    for runner in self._runners.values():
      runner.signal(signal.SIGKILL)
      runner.close()


def _measure(
  group: _Group, case: str, batch_size: int
) -> Iterator[tables.Table]:
  """The tables of a step."""
  order = [form.name for form in _forms(case, batch_size, '')]
  runners = {name: group.ready[name] for name in order if name in group.ready}
  profiled = runners.pop(PROFILED, None)
  found = take_turns(runners, turns=TURNS, seconds=SECONDS)
  peak = step.rates({PRODUCT: found.pop(PRODUCT)})[0]
  views, ours = found.pop(VIEWS), found[step.OURS]
  share = tables.spread(
    100 * a / b for a, b in zip(views.seconds, ours.seconds, strict=True)
  )
  alone = tables.spread(1e3 * s for s in views.seconds)
  say(f'apart from ours: {group.apart}')
  yield step.table(
    case,
    batch_size,
    DTYPE,
    found,
    group.flops,
    peak,
    f' Our views alone take {alone} ms, {share} % of our step.',
  )
  if profiled is None:
    return
  seconds = profile.by_kind(profiled.profile())
  total = sum(seconds.values())
  yield tables.Table(
    f'Where our step spends its time: {cases.TITLES[case]}, batch {batch_size}',
    ['operations', 'ms a step', '%'],
    [
      [f'`{name}`', f'{1e3 * s:.2f}', f'{s / total:.1%}']
      for name, s in list(seconds.items())[:16]
    ]
    + [['all', f'{1e3 * total:.2f}', '']],
    measured={'seconds': seconds},
  )


def _step(text: str) -> tuple[str, int]:
  case, _, batch_size = text.partition(':')
  if case not in cases.CASES or not batch_size.isdecimal():
    raise argparse.ArgumentTypeError(
      f'{text!r} is not one of {", ".join(cases.CASES)}, a colon and a batch '
      'size'
    )
  return case, int(batch_size)


def _arguments() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks.brief',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('steps', type=_step, nargs='+', metavar='CASE:BATCH_SIZE')
  parser.add_argument(
    '--within',
    type=float,
    default=300,
    metavar='SECONDS',
    help='in which the forms of a step have to be ready',
  )
  return parser.parse_args()


def main() -> None:
  """Prepares, measures and prints."""
  asked = _arguments()
  here = machine.find(quick=False)
  kept = []
  for case, batch_size in asked.steps:
    say(f'{case}, batch {batch_size}')
    group = _Group()
    try:
      group.prepare(case, batch_size, asked.within)
      for table in _measure(group, case, batch_size):
        print(table.markdown(), flush=True)
        kept.append(table)
        results.write('brief', kept, here)
    except FormError:
      say(traceback.format_exc())
    finally:
      group.close()


if __name__ == '__main__':
  main()
