"""Makes docs/performance.md of what was measured.

python -m benchmarks.page
"""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import results

PAGE = pathlib.Path(__file__).parents[1] / 'docs' / 'performance.md'
CHANGES = pathlib.Path(__file__).with_name('changes.md')
TITLES = {
  'step': 'A step of SimCLR',
  'brief': 'A step of SimCLR, by `python -m benchmarks.brief`',
  'augmentation': 'Views',
  'objectives': 'Objectives',
  'input': 'Waiting for images',
  'start': 'Starting',
  'growth': 'Growth',
}
INTRODUCTION = """\
# How fast it is

`python -m benchmarks.page` makes this page of `benchmarks/results/`, and

```sh
pip install -e '.[bench]'
python -m benchmarks
```

measures it anew; `python -m benchmarks step` one part of it. Read it so:

* A number is the median of several turns (least to most). Forms that are
  compared are processes of their own that take turns, in one run on one
  machine, so that what else the machine does falls on all of them. A ratio is
  of pairs of turns.
* Before anything is timed the forms are given the same weights and the same
  views; loss, gradient (the optimizer's moment after one step) and update have
  to agree, or nothing is timed. Views are random and cannot be compared: they
  do the same work but for what `benchmarks/torch_views.py` names.
* "Ours" is the step that `launch.py` runs: on a CPU with one device a core.
  PyTorch has channels_last, the fused optimizer, autocast where the network is
  bfloat16, and views that kornia draws for a whole batch on the device; with
  and without torch.compile. And as it is mostly written: one image after the
  other, by Pillow, in the workers of a DataLoader.
* MFU is the share of the peak: the operations of our step, counted in the
  program before XLA makes it faster and with convolutions as they are defined,
  in the time of a step, over those of the fastest product of two large
  matrices. It can be more than all of it: on a CPU convolutions may be faster
  than such a product, and some are made with fewer operations.

How much work a step is, is held by `tests/benchmarks/guard_test.py`:
operations, bytes and compilations by count, where seconds depend on the
machine.
"""


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
  """The page of what `results.read` gives, and of changes.md."""
  parts = [INTRODUCTION]
  for sections in found.values():
    parts += _of_machine(sections)
  parts.append(CHANGES.read_text())
  return '\n'.join(parts)


def _of_machine(sections: Mapping[str, Any]) -> Iterator[str]:
  first = next(iter(sections.values()))['machine']
  yield f'## {first["device"]}, {first["devices"]}\n'
  for name, title in TITLES.items():
    if name in sections:
      section = sections[name]
      yield f'### {title}\n\n{_circumstances(section["machine"])}\n'
      for table in section['tables']:
        yield table.markdown().replace('### ', '#### ', 1)


def _circumstances(machine: Mapping[str, Any]) -> str:
  versions = ', '.join(f'{k} {v}' for k, v in machine['versions'].items())
  cores = f'{machine["cores"]} cores of {machine["processor"]}'
  return (
    f'{machine["date"]}, `python -m benchmarks`; {cores}; Python '
    f'{machine["python"]}, {versions}; load before: {machine["load"]}.'
  )


def main() -> None:
  """Writes the page."""
  PAGE.write_text(page(results.read()))


if __name__ == '__main__':
  main()
