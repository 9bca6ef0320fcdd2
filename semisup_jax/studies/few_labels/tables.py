"""The study's tables: text in Markdown."""

from collections.abc import Sequence

from semisup_jax.experiments.transfer import SOURCE_IMAGES
from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.few_labels import published
from semisup_jax.studies.few_labels.measured import (
  EPOCHS,
  HEAD,
  PLAIN,
  RANDOM,
  SAME,
  SIMCLR,
  SOURCE,
  Arm,
  Measured,
)
from semisup_jax.studies.few_labels.names import name, title


def on_target(measured: Measured, *, comparable: bool) -> str:
  """Every arm and control by labels a class; the published numbers above."""
  arms = [PLAIN, *measured.mixed, SAME, EPOCHS, RANDOM, SIMCLR]
  body = _body(measured, arms, HEAD)
  if comparable:
    k, plain, mixed = published.FIRST
    plateau_k, plateau = published.PLATEAU
    for label, first in (('no mixing', plain), ('MixUp, collage', mixed)):
      cells = {k: f'{first:.0f}', plateau_k: f'{plateau:.0f}'}
      line = [
        f'**published**: {label}',
        *(cells.get(n, '') for n in measured.ks),
      ]
      body.insert(0 if label == 'no mixing' else 1, line)
  return (
    '## Accuracy on the target\n\n'
    'In per cent, by labels a class of the source; the head has all labels of '
    'the target.\n\n' + _table(measured, body)
  )


def on_source(measured: Measured) -> str:
  """The pretrainer itself, on other images of the classes it has learned."""
  arms = [
    arm for arm in (PLAIN, *measured.mixed, EPOCHS) if arm in measured.arms
  ]
  body = _body(measured, arms, SOURCE)
  if not body:
    return ''
  return (
    '## Accuracy of the first head on the source\n\n'
    f'In per cent, on up to {SOURCE_IMAGES:,} images of the source that it has '
    'not seen.\n\n' + _table(measured, body)
  )


def differences(measured: Measured, pairs: Sequence[tuple[Arm, Arm]]) -> str:
  """Paired differences on the target, a line a pair."""
  body = []
  for a, b in pairs:
    own = {r['labels_per_class']: r for r in measured.differences(a, b)}
    if own:
      cells = [markdown.difference(own.get(k)) for k in measured.ks]
      body.append([f'{title(a)} minus {name(b)}', *cells])
  if not body:
    return ''
  text = 'Differences in points, paired by seed'
  if len(measured.seeds) > 1:
    text += (
      ', with 95 % intervals; those that exclude 0 are bold. One in 20 does '
      'even where there is no difference'
    )
  return f'{text}.\n\n{_table(measured, body)}'


def _body(measured, arms, protocol):
  body = []
  for arm in arms:
    own = {r['labels_per_class']: r for r in measured.curve(arm, protocol)}
    if own:
      body.append(
        [title(arm), *(markdown.value(own.get(k)) for k in measured.ks)]
      )
  return body


def _table(measured, body):
  head = ['labels a class', *map(wording.count, measured.ks)]
  return markdown.table(head, body)
