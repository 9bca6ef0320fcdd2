"""How protocols, metrics and numbers are written, in every output alike."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BASELINE = 'supervised'

# Protocol: its name in a table, and its name within a sentence.
PROTOCOLS = {
  'linear_probe': ('Linear probe', 'the linear probe'),
  'knn': ('kNN', 'kNN'),
  'frozen': ('Frozen encoder', 'a head on the frozen encoder'),
  'fine_tune': ('Fine-tune', 'fine-tuning'),
  'lp_ft': ('Probe, then fine-tune', 'probing, then fine-tuning'),
  'gradual': ('Gradual unfreezing', 'gradual unfreezing'),
  'layerwise': ('Layer-wise rates', 'fine-tuning at layer-wise rates'),
  'partial': ('Last stages', 'fine-tuning the last stages'),
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
  'mean_teacher': 'Mean Teacher',
  'sup_con': 'SupCon',
  'dcl': 'DCL',
  'pseudo_label': 'Pseudo-labels',
  'self_training': 'Pseudo-labels',
  'autoencoder': 'Autoencoder',
  'mixup': 'MixUp',
  'cutmix': 'CutMix',
  'collage': 'Collage',
  'random_encoder': 'Random encoder',
  'raw_pixels': 'Raw pixels',
  'published_encoder': 'Published encoder',
  'published_classifier': 'Published classifier',
}
# Those that are no proper names, and take the singular, within a sentence.
IN_SENTENCE = {
  'pseudo_label': 'pseudo-labelling',
  'self_training': 'pseudo-labelling',
  'autoencoder': 'the autoencoder',
  'collage': 'collage',
  'random_encoder': 'the random encoder',
  'raw_pixels': 'the classifier of raw pixels',
  'published_encoder': 'the published encoder',
  'teacher': 'the teacher',
  'student': 'the student',
}
# Those that are trained anew for each draw of the labelled images; the others
# share one pre-trained encoder.
TRAINED_ANEW = frozenset(
  {
    *(BASELINE, 'mixup', 'cutmix', 'collage', 'fixmatch', 'flexmatch'),
    *('mean_teacher', 'pseudo_label', 'self_training', 'teacher', 'student'),
  }
)
METRICS = {
  'top1': 'Top-1 accuracy',
  'top5': 'Top-5 accuracy',
  'macro_f1': 'Macro F1',
  'weighted_f1': 'Weighted F1',
  'balanced_accuracy': 'Balanced accuracy',
  'nll': 'Negative log-likelihood',
  'ece': 'Expected calibration error',
  'roc_auc': 'ROC-AUC',
  'average_precision': 'Average precision',
  'f1': 'F1',
  'sensitivity': 'Sensitivity',
  'specificity': 'Specificity',
}
# Of two classes, those at the threshold that validation has chosen.
AT_THRESHOLD = ('sensitivity', 'specificity', 'balanced_accuracy', 'f1')
METRICS |= {
  f'{name}_at_threshold': f'{METRICS[name]} at the threshold'
  for name in AT_THRESHOLD
}
# Those that rows are of, within a title. One without a unit is named beside its
# values too.
IN_SHORT = {'top1': 'Accuracy', 'roc_auc': 'ROC-AUC'}
# Shares of one, written in per cent; every other metric is written as it is.
PERCENT = frozenset(
  {
    *('top1', 'top5', 'f1', 'macro_f1', 'weighted_f1', 'balanced_accuracy'),
    *('ece', 'sensitivity', 'specificity'),
    *(f'{name}_at_threshold' for name in AT_THRESHOLD),
  }
)
LOWER_IS_BETTER = frozenset({'nll', 'ece', 'loss', 'brier'})


def protocol(name: str) -> str:
  """The protocol's name in a table or a legend; a method may be a protocol."""
  if name in PROTOCOLS:
    return PROTOCOLS[name][0]
  words = method(name)
  return words[:1].upper() + words[1:]


def protocol_in_sentence(name: str) -> str:
  """The protocol's name within a sentence."""
  if name in PROTOCOLS:
    return PROTOCOLS[name][1]
  return IN_SENTENCE.get(name, method(name))


def method(name: str) -> str:
  """The method's name as its authors write it, where known."""
  return METHODS.get(name, name.replace('_', ' '))


def metric(name: str) -> str:
  """The metric's name, as a column or an axis has it, without its unit."""
  return METRICS.get(name, name.replace('_', ' '))


def metric_with_unit(name: str) -> str:
  """`Top-1 accuracy, %`: the metric's name above or beside its values."""
  return metric(name) + (', %' if name in PERCENT else '')


def metric_in_short(name: str) -> str:
  """`Accuracy`, `ROC-AUC`: the metric's name where there is little room."""
  return IN_SHORT.get(name, metric(name))


def beside(name: str) -> str:
  """`ROC-AUC`, what stands before a value that has no unit; or nothing."""
  return '' if name in PERCENT else IN_SHORT.get(name, '')


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


def count(k: float | str) -> str:
  """Labels a class: `5`, `all`, and for an average `4.25`."""
  if not isinstance(k, float):
    return str(k)
  return f'{k:.2f}'.rstrip('0').rstrip('.')


def labels(k: float | str) -> str:
  """`at 1 label a class`, `at 5 labels a class`, `with all labels`."""
  return labels_listed([k])


def labels_listed(ks: Sequence[float | str]) -> str:
  """`at 1 and 5 labels a class`, and `with all labels` after it."""
  few = [k for k in ks if k != 'all']
  parts = []
  if few:
    noun = 'label' if few[-1] == 1 else 'labels'
    parts.append(f'at {listed(map(count, few))} {noun} a class')
  if len(few) < len(ks):
    parts.append('with all labels')
  return listed(parts)


def short(ks: Sequence[float | str]) -> str:
  """`at 1 and 5`, after a sentence has said what is counted."""
  return f'at {listed(map(count, ks))}'


def ordered(ks: Iterable[float | str]) -> list[float | str]:
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


def separability(row: Mapping[str, Any]) -> str:
  """One sentence on how far classes lie apart, of a row of that table."""
  text = (
    f'{row["feature"].capitalize()}: {number(row["purity"], "top1")} % of the '
    f'{row["neighbours"]} nearest neighbours are of the same class (by chance '
    f'{number(row["chance"], "top1")} %)'
  )
  if known(row['silhouette']):
    text += f', silhouette {number(row["silhouette"], "silhouette")}'
  return f'{text}, n = {row["n"]:,}.'


def reconstruction(row: Mapping[str, Any]) -> str:
  """One sentence on how like the images are, of a row of that table."""
  return (
    f'SSIM {number(row["ssim"], "ssim")}, squared error '
    f'{row["squared_error"]:.5f} (pixels in 0 to 1), the mean of '
    f'{row["n"]:,} images.'
  )


def majority(row: Mapping[str, Any]) -> str:
  """What no classifier should be below, of a row of that table."""
  return (
    f"Always saying '{row['class']}', the most frequent class of the labelled "
    f'images, would be right on {number(row["top1"], "top1")} %.'
  )
