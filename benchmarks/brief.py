"""Steps of SimCLR on an accelerator that is lent for minutes.

  python -m benchmarks.brief --batch-sizes 1024 256 --ready 110 150 --end 270 \\
    -- python launch.py --config=configs/simclr.py:cifar100

The forms of `python -m benchmarks step` for ResNet-18, and our views, in
batches of so many images. All of them are prepared at once, since each takes a
minute or two to compile, and all but those that take turns are stopped while
they do. So how each convolution is fastest was tried while others tried too.
What stands after `--`, a training, runs beside them from the start, is stopped
likewise, and is timed with all of that.

`--ready` are seconds from the start until when each batch size has to be
prepared, `--end` until when the training has to end. What is not ready by then
is left out, and said. Tables are printed and kept as by `python -m benchmarks`.
"""

import argparse
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Collection, Iterator

from benchmarks import machine, results, step, tables
from benchmarks.racing import Form, FormError, Runner, differences, take_turns

TURNS, SECONDS = 5, 0.5
DTYPE = 'bfloat16'
VIEWS, PRODUCT = 'our views alone', 'a product of matrices'
START = time.perf_counter()


def say(text: str) -> None:
  """Prints a line with the seconds since the start."""
  print(f'{time.perf_counter() - START:6.1f} {text}', flush=True)


class Group:
  """The forms of one batch size, prepared by threads of their own."""

  def __init__(self, batch_size: int):
    self.batch_size = batch_size
    self.runners, self.apart = {}, {}
    self.done = threading.Event()
    self._outputs, self._ready_ones = {}, set()
    self._folder = tempfile.TemporaryDirectory()
    threading.Thread(target=self._prepare, daemon=True).start()

  def _prepare(self) -> None:
    ours, *others = step.forms(
      'resnet18', self.batch_size, DTYPE, self._folder.name
    )
    arguments = {'case': 'resnet18', 'batch_size': self.batch_size}
    others += [
      Form(VIEWS, 'benchmarks.jax_forms:views', arguments),
      Form(
        PRODUCT, 'benchmarks.jax_forms:product', {'size': 8192, 'dtype': DTYPE}
      ),
    ]
    first = self._start(ours)  # Writes the weights that the others begin with.
    threads = [threading.Thread(target=self._ready, args=(first,))]
    threads += [
      threading.Thread(target=lambda form=form: self._ready(self._start(form)))
      for form in others
    ]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    self.done.set()

  def _start(self, form: Form) -> Runner:
    self.runners[form.name] = runner = Runner(form)
    return runner

  def _ready(self, runner: Runner) -> None:
    try:
      with tempfile.TemporaryDirectory() as folder:
        self._outputs[runner.name] = runner.outputs(pathlib.Path(folder))
      runner.go(2)
    except FormError as error:
      say(f'{self.batch_size}: {error}')
      return
    self._ready_ones.add(runner.name)
    say(f'{self.batch_size}: {runner.name} is ready')

  def signal(self, number: int, *, but: Collection[str] = ()) -> None:
    """Stops processes, or lets them go on, or ends them."""
    for name, runner in list(self.runners.items()):
      if name not in but:
        runner.signal(number)

  def checked(self) -> dict[str, Runner]:
    """Those that are ready, and give what ours gives."""
    expected = self._outputs.get(step.OURS)
    allowed = step.TOLERANCES[DTYPE]
    kept = {}
    for name in (step.OURS, *step.PYTORCH, VIEWS, PRODUCT):
      runner = self.runners[name]
      if name not in self._ready_ones:
        say(f'{self.batch_size}: {name} is not ready in time')
        continue
      found = self._outputs[name]
      if found is not None and expected is not None:
        apart = self.apart[name] = differences(expected, found)
        if any(not d <= allowed[k] for k, d in apart.items()):
          say(f'{self.batch_size}: {name} is not ours: {apart}')
          continue
      kept[name] = runner
    return kept


def made(group: Group) -> Iterator[tables.Table]:
  """The tables of a batch size, measured now."""
  runners = group.checked()
  if not {step.OURS, PRODUCT} <= runners.keys():
    return
  group.signal(signal.SIGSTOP, but=runners)
  found = take_turns(runners, turns=TURNS, seconds=SECONDS)
  views = found.pop(VIEWS, None)
  peak = step.rates({PRODUCT: found.pop(PRODUCT)})[0]
  ours = found[step.OURS]
  say(f'{group.batch_size}: apart from ours: {group.apart}')
  more = ''
  if views is not None:
    share = tables.spread(
      100 * a / b for a, b in zip(views.seconds, ours.seconds, strict=True)
    )
    alone = tables.spread(1e3 * s for s in views.seconds)
    more = f' Our views alone take {alone} ms, {share} % of our step.'
  yield step.table('resnet18', group.batch_size, DTYPE, found, peak, more)
  profile = runners[step.OURS].profile()
  total = sum(profile.values())
  yield tables.Table(
    f'Where our step spends its time, batch {group.batch_size}',
    ['operations', 'ms a step', '%'],
    [
      [f'`{name}`', f'{1e3 * s:.2f}', f'{s / total:.1%}']
      for name, s in list(profile.items())[:16]
    ]
    + [['all', f'{1e3 * total:.2f}', '']],
    measured={'seconds': profile},
  )


def _arguments() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks.brief',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('--batch-sizes', type=int, nargs='+', default=[1024, 256])
  parser.add_argument('--ready', type=float, nargs='+', default=[300, 300])
  parser.add_argument('--end', type=float, default=600)
  parser.add_argument('training', nargs='*')
  asked = parser.parse_args()
  if len(asked.ready) != len(asked.batch_sizes):
    parser.error(
      f'--ready has {len(asked.ready)} values; it needs one for each of '
      f'{len(asked.batch_sizes)} batch sizes'
    )
  return asked


def main() -> None:
  """Prepares, measures and prints."""
  asked = _arguments()
  training = subprocess.Popen(asked.training) if asked.training else None
  ended = threading.Event()
  if training:
    threading.Thread(target=_await, args=(training, ended), daemon=True).start()
  groups = [Group(size) for size in asked.batch_sizes]
  here = machine.find(quick=False)
  kept, stopped = [], 0.0
  for group, ready in zip(groups, asked.ready, strict=True):
    group.done.wait(max(1, ready - (time.perf_counter() - START)))
    since = time.perf_counter()
    others = [each for each in groups if each is not group]
    _signal(signal.SIGSTOP, others, training)
    time.sleep(1.5)  # What they have sent to the device.
    try:
      for table in made(group):
        print(table.markdown(), flush=True)
        kept.append(table)
    except FormError:
      say(f'{group.batch_size}: {traceback.format_exc()}')
    if kept:
      results.write('brief', kept, here)
    group.signal(signal.SIGKILL)
    _signal(signal.SIGCONT, others, training)
    stopped += time.perf_counter() - since
  if training:
    if not ended.wait(max(1, asked.end - (time.perf_counter() - START))):
      training.terminate()
      say('the training did not end in time')
    say(f'the training was stopped for {stopped:.1f} s of that')


def _await(training: subprocess.Popen, ended: threading.Event) -> None:
  say(f'the training ended with status {training.wait()}')
  ended.set()


def _signal(
  number: int, groups: Collection[Group], training: subprocess.Popen | None
) -> None:
  for group in groups:
    group.signal(number)
  if training and training.poll() is None:
    training.send_signal(number)


if __name__ == '__main__':
  main()
