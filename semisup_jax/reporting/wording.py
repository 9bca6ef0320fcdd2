"""How protocols, metrics and numbers are written, in every output alike."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

BASELINE = 'supervised'

# Protocol: its name in a table, and its name within a sentence.
PROTOCOLS = {
  'linear_probe': ('Linear probe', 'the linear probe'),
  'knn': ('kNN', 'kNN'),
  'fine_tune': ('Fine-tune', 'fine-tuning'),
  BASELINE: ('Supervised', 'supervised training'),
}
METHODS = {
  'simclr': 'SimCLR',
  'byol': 'BYOL',
  'simsiam': 'SimSiam',
  'barlow_twins': 'Barlow Twins',
  'vicreg': 'VICReg',
  'fixmatch': 'FixMatch',
  'flexmatch': 'FlexMatch',
}
METRICS = {
  'top1': 'Top-1 accuracy',
  'top5': 'Top-5 accuracy',
  'macro_f1': 'Macro F1',
  'balanced_accuracy': 'Balanced accuracy',
  'nll': 'Negative log-likelihood',
  'ece': 'Expected calibration error',
}
# Shares of one, written in per cent; every other metric is written as it is.
PERCENT = frozenset({'top1', 'top5', 'macro_f1', 'balanced_accuracy', 'ece'})
LOWER_IS_BETTER = frozenset({'nll', 'ece', 'loss', 'brier'})


def protocol(name: str) -> str:
  """The protocol's name in a table or a legend."""
  return PROTOCOLS.get(name, (name.replace('_', ' ').capitalize(),))[0]


def protocol_in_sentence(name: str) -> str:
  """The protocol's name within a sentence."""
  return PROTOCOLS.get(name, ('', name.replace('_', ' ')))[1]


def method(name: str) -> str:
  """The method's name as its authors write it, where known."""
  return METHODS.get(name, name.replace('_', ' '))


def metric(name: str) -> str:
  """The metric's name, as a column or an axis has it, without its unit."""
  return METRICS.get(name, name.replace('_', ' '))


def scale(name: str) -> float:
  """What a value of the metric `name` is multiplied by when it is written."""
  return 100.0 if name in PERCENT else 1.0


def number(value: float | None, name: str) -> str:
  """A value of the metric `name`, without its unit; `-` where it is missing."""
  if not known(value):
    return '-'
  digits = 1 if name in PERCENT else 3
  text = f'{scale(name) * value:.{digits}f}'
  return text.lstrip('-') if float(text) == 0 else text  # Never '-0.0'.


def interval(low: float, high: float, name: str) -> str:
  """`7.1 to 12.5`."""
  return f'{number(low, name)} to {number(high, name)}'


def unit(name: str) -> str:
  """` %` or nothing."""
  return ' %' if name in PERCENT else ''


def points(value: float, name: str) -> str:
  """The size of a difference: `9.8 points`, `less than 0.1 points`."""
  noun = ' points' if name in PERCENT else ''
  text = number(abs(value), name)
  if value and float(text) == 0:
    text = f'less than {"0.1" if name in PERCENT else "0.001"}'
  return text + noun


def labels(k: int | str) -> str:
  """`at 1 label a class`, `at 5 labels a class`, `with all labels`."""
  if k == 'all':
    return 'with all labels'
  return f'at {k} label{"" if k == 1 else "s"} a class'


def labels_listed(ks: Sequence[int | str]) -> str:
  """`at 1 and 5 labels a class`, and `with all labels` after it."""
  few = [k for k in ks if k != 'all']
  parts = []
  if few:
    parts.append(labels(few[-1]).replace(str(few[-1]), listed(few), 1))
  if len(few) < len(ks):
    parts.append('with all labels')
  return listed(parts)


def short(ks: Sequence[int | str]) -> str:
  """`at 1 and 5`, after a sentence has said what is counted."""
  return f'at {listed(ks)}'


def ordered(ks: Iterable[int | str]) -> list[int | str]:
  """Numbers of labels, ascending and each once, with 'all' at the end."""
  return sorted(set(ks), key=lambda k: (isinstance(k, str), k))


def repeats(interval: str | None) -> str:
  """What n counts, read from the name of the interval: `draws`, `seeds`."""
  text = str(interval)
  return text.rsplit('over ')[-1] if 'Student' in text else 'draws'


def listed(words: Iterable[Any]) -> str:
  """`a`, `a and b`, `a, b and c`."""
  words = [str(word) for word in words]
  if len(words) < 2:
    return ''.join(words)
  return f'{", ".join(words[:-1])} and {words[-1]}'


def known(value: float | None) -> bool:
  """Whether a number is there and finite."""
  return value is not None and math.isfinite(value)


def duration(seconds: float) -> str:
  """`48 s`, `5 min 12 s`, `2 h 5 min`."""
  whole = round(seconds)
  if whole < 60:
    return f'{seconds:.1f} s' if seconds < 10 else f'{whole} s'
  if whole < 3600:
    return f'{whole // 60} min {whole % 60} s'
  return f'{whole // 3600} h {whole % 3600 // 60} min'
