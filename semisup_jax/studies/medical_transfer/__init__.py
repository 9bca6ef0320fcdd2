"""The page of the study of ways to transfer to few medical images.

It needs the factors `arm` (what the encoder has learned by), `on` (target or
source, on which it is judged) and `seed`.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.reporting import wording
from semisup_jax.studies import page
from semisup_jax.studies.medical_transfer import (
  findings,
  names,
  published,
  tables,
)
from semisup_jax.studies.medical_transfer.measured import Judged, Measured

FOLDER = 'medical_transfer'  # Of the figures.
# Of a figure: more panels are too much for a page.
_PANELS = 3


def write_page(
  config: Any,
  rows: Sequence[Mapping[str, Any]],
  workdir: pathlib.Path,
  console: Console,
) -> None:
  """Writes page.md, and beside it the folder of the figures that it shows.

  Args:
    config: Of the study.
    rows: Of its points, as in rows.jsonl.
    workdir: The study's folder.
    console: Where it is said where the page is.
  """
  measured = Measured(rows, config.main_arm, config.metric)
  comparable = config.published
  main = names.arm(config.main_arm)
  parts = [
    _head(config, measured),
    page.found(
      'Which mode to choose, with how many labels',
      [
        *findings.choice(measured),
        *findings.baselines(measured, comparable=comparable),
      ],
    ),
    f'## Modes, with {main}\n',
    tables.modes(measured),
    _modes(config, measured, workdir),
    _listed(findings.of_modes(measured)),
    tables.measures(measured, config.metrics, comparable=comparable),
    '## Encoders\n',
    tables.arms(measured),
    _arms(measured, workdir),
    _listed(findings.of_arms(measured)),
    tables.encoders(measured),
    page.found(
      'Reconstructions',
      findings.reconstruction(measured, comparable=comparable),
    ),
    page.found(
      'On the source itself',
      findings.on_source(measured, comparable=comparable),
    ),
    tables.on_source(measured, config.metrics),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  source, training = config.source, config.pretraining
  learned = 'its training images, their labels hidden'
  if source.name:
    learned = f'{source.title}: by labels, {config.source_labels} a class, or '
    learned += 'without'
  draws = len(measured.curve(measured.modes[0])[0]['values'])
  seeds = len(measured.seeds)
  spread = (
    f'over {draws} draws of the labelled images'
    f' ({seeds} encoder{"s" if seeds > 1 else ""} of {draws // seeds} each)'
  )
  selected = (
    f' by {config.select_by.replace("_", " ")}' if (config.select_by) else ''
  )
  return (
    f'# Transfer to few labelled images: {config.variant}\n\n'
    f'{measured.effort}. A convnet of width {config.model.width} and '
    f'{len(config.model.strides)} stages learns from {learned}, '
    f'{training.steps} steps of {training.batch_size}. Then it is judged on '
    f'{config.data.title}: few labelled images, k of each class, train it in '
    f'several ways, Adam at {config.learning_rate:g} for at most '
    f'{config.steps} steps of 32, stopped after {config.patience} looks at '
    f'validation that were no better; the best of these looks{selected} is '
    'what is tested. Validation has more labels than are learned from, so '
    'that with fewer the choice would be worse. Numbers are of the '
    f'{config.report_split} part, mean ± standard deviation {spread}; '
    "intervals are Student's t over them, and differences are paired. The "
    'draws of a seed share its encoder and all share the test images: '
    'intervals are of other labelled images. Two are said to be told apart '
    'where the interval excludes 0 and every seed agrees; one in 20 intervals '
    'excludes 0 where there is no difference, and the highest of several is '
    'chosen by the numbers that are shown.\n'
  )


def _modes(config: Any, measured: Measured, workdir: pathlib.Path) -> str:
  shown = measured.measures(config.metrics)[:_PANELS]

  def draw(figures, theme):
    panels = {}
    for metric in shown:
      lines = []
      for look, mode in enumerate(_as_drawn(measured.modes)):
        rows = measured.curve(mode, metric)
        # So many bands would cover each other.
        bare = [{**row, 'low': None, 'high': None} for row in rows]
        lines.append(figures.Line(wording.protocol(mode.protocol), bare, look))
      if config.published and metric in published.REFERENCE:
        value = published.REFERENCE[metric]
        level = [{'labels_per_class': k, 'mean': value} for k in measured.ks]
        name = 'MedMNIST, all labels'
        lines.append(figures.Line(name, level, 0, is_control=True))
      panels[_title(metric)] = lines
    return figures.curves_by_labels(panels, theme, ylabel='')

  return page.figure(
    workdir,
    f'{FOLDER}/modes',
    'Measures of each mode by labels a class',
    'Means; their spread is in the tables.',
    draw,
  )


def _as_drawn(modes: Sequence[Judged]) -> list[Judged]:
  """The baseline first, as its colour is in all figures."""
  return sorted(modes, key=lambda mode: mode.protocol != wording.BASELINE)


def _title(metric: str) -> str:
  scale = ', %' if metric in wording.PERCENT else ', hundredths'
  return wording.metric_in_short(metric) + scale


def _arms(measured: Measured, workdir: pathlib.Path) -> str:
  def draw(figures, theme):
    panels = {}
    for mode in measured.shared:
      panels[wording.protocol(mode)] = [
        figures.Line(
          names.title(arm),
          measured.curve(Judged(arm, mode)),
          names.look(arm),
        )
        for arm in measured.arms
      ]
    return figures.curves_by_labels(
      panels, theme, ylabel=_title(measured.metric)
    )

  return page.figure(
    workdir,
    f'{FOLDER}/encoders',
    f'{wording.metric(measured.metric)} of each encoder by labels a class',
    'Bands are 95 % intervals over draws.',
    draw,
  )


def _listed(sentences: Sequence[str]) -> str:
  return ''.join(f'* {sentence}\n' for sentence in sentences)
