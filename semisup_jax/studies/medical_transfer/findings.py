"""What the study found, in sentences made from its numbers."""

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import sentences
from semisup_jax.studies.medical_transfer import names, published
from semisup_jax.studies.medical_transfer.measured import (
  FULL,
  Judged,
  Measured,
  is_told_apart,
)


def of_modes(measured: Measured) -> list[str]:
  """Every mode beside fine-tuning all layers from the first step on."""
  full = Judged(measured.main, FULL)
  said = (
    _compared(measured, mode, full, *map(_mode, (mode, full)))
    for mode in measured.modes
    if mode != full
  )
  return [text for text in said if text]


def of_arms(measured: Measured) -> list[str]:
  """Every encoder beside the random one, both used in the same way."""
  said = (
    _compared(
      measured,
      Judged(arm, mode),
      Judged('random', mode),
      f'{names.arm(arm)} ({_short(mode)})',
      f'{names.arm("random")} used so',
    )
    for arm in measured.arms
    if arm != 'random'
    for mode in ('linear_probe', FULL)
  )
  return [text for text in said if text]


def choice(measured: Measured) -> list[str]:
  """Which mode to choose with how many labels, and where that is open."""
  if len(measured.modes) < 2:
    return []
  found, never_behind = [], set(measured.modes)
  for k in measured.ks:
    values = {mode: measured.value(mode, k) for mode in measured.modes}
    values = {mode: row for mode, row in values.items() if row}
    best = max(values, key=lambda mode: values[mode]['mean'])
    gaps = {
      mode: gap
      for mode in values
      if mode != best and (gap := measured.difference(best, mode, k))
    }
    behind = {mode: gap for mode, gap in gaps.items() if is_told_apart(gap)}
    never_behind -= set(behind)
    found.append(_choice(k, best, values[best], gaps, behind))
  if len(measured.ks) > 1 and found:
    safe = [_mode(mode) for mode in measured.modes if mode in never_behind]
    if len(safe) == len(measured.modes):
      found.append('So none of these numbers of labels decides between modes.')
    elif safe:
      found.append(
        'Never told apart from the highest, at any number of labels: '
        f'{wording.listed(safe)}.'
      )
    else:
      found.append('No mode is level with the highest at every number.')
  return found


def _choice(k, best, value, gaps, behind) -> str:
  metric = value['metric']
  text = (
    f'{wording.labels(k)} {_mode(best)} has the highest '
    f'{_in_sentence(metric)}, {wording.number(value["mean"], metric)}'
    f'{wording.unit(metric)}'
  )
  level = [_mode(mode) for mode in gaps if mode not in behind]
  if not behind:
    return sentences.capitalized(
      f'{text}, but no other mode can be told apart from it'
    )
  told = wording.listed(
    f'{_mode(mode)} (by {wording.points(gap["mean"], metric)}, '
    f'{wording.interval(gap["low"], gap["high"], metric)})'
    for mode, gap in behind.items()
  )
  text += f'; behind it {"is" if len(behind) == 1 else "are"} {told}'
  if level:
    text += f'; not told apart from it: {wording.listed(level)}'
  return sentences.capitalized(text)


def baselines(measured: Measured, *, comparable: bool) -> list[str]:
  """What one would have without learning, and with all labels."""
  chance = 'A score that says nothing has a ROC-AUC of 0.5.'
  if measured.majority is None:
    return [chance]
  found = [
    'One answer for every image, that of the larger class, is right on '
    f'{wording.number(measured.majority, "top1")} %, with a balanced accuracy '
    f'of 50.0 % and a ROC-AUC of 0.5.'
  ]
  if comparable:
    known = wording.listed(
      f'{_in_sentence(metric)} {wording.number(value, metric)}'
      f'{wording.unit(metric)}'
      for metric, value in published.REFERENCE.items()
    )
    found.append(
      "MedMNIST's own ResNet-18, with all 4,708 labels of PneumoniaMNIST: "
      f'{known}.'
    )
  return found


def on_source(measured: Measured, *, comparable: bool) -> list[str]:
  """What the encoder is worth where it has learned, with as few labels."""
  found = []
  for arm in measured.arms:
    ways = {judged.protocol: judged for judged in measured.ways(arm, 'source')}
    scratch = ways.pop('supervised', None)
    if scratch is None:
      continue
    for mode, judged in ways.items():
      found.append(
        _compared(
          measured,
          judged,
          scratch,
          f'{names.arm(arm)} ({_short(mode)})',
          'labels alone',
        )
      )
  if found and comparable:
    low, high = published.FROM_SCRATCH
    found.append(
      f'Published, of one run with {published.LABELS} labels: accuracy '
      f'{low:.2f} to {high:.2f} from labels alone, '
      f'{published.FROM_AUTOENCODER:.2f} from the weights of an autoencoder.'
    )
  return found


def reconstruction(measured: Measured, *, comparable: bool) -> list[str]:
  """How alike the autoencoders' images are."""
  found = []
  for arm in measured.arms:
    rows = measured.table(arm, 'reconstruction')
    if rows:
      found.append(
        f'{names.title(arm)}: the SSIM of its reconstructions is '
        f'{np.mean([row["ssim"] for row in rows]):.3f}, squared error '
        f'{np.mean([row["squared_error"] for row in rows]):.5f}, the mean of '
        f'{rows[0]["n"]:,} images of the part that is reported.'
      )
  if found and comparable:
    low, high = published.SSIM
    found.append(
      f'Published, of chest X-rays of ChestMNIST: {low:.2f} to {high:.2f}.'
    )
  return found


def _compared(
  measured: Measured, a: Judged, b: Judged, name: str, other: str
) -> str:
  rows = measured.differences(a, b)
  text = sentences.comparison_sentence(rows, name, other)
  split = [
    row
    for row in rows
    if sentences.gap_of(row).excludes_zero and not is_told_apart(row)
  ]
  if split:
    text += f' Encoders of other seeds disagree {sentences.at_ks(split)}.'
  return text


def _mode(judged: Judged) -> str:
  # Without a comma, which a list of modes has enough of.
  name = wording.protocol_in_sentence(judged.protocol)
  return name.replace(', then ', ' before ')


def _short(mode: str) -> str:
  name = wording.protocol(mode)
  return f'{name[0].lower()}{name[1:]}'


def _in_sentence(metric: str) -> str:
  name = wording.metric_in_short(metric)
  return name if name[1].isupper() else f'{name[0].lower()}{name[1:]}'
