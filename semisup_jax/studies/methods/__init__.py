"""The page of the study of all methods: what was found, tables, one figure.

It needs the factors `method`, `seed` and `labels`, the labels a class that a
training saw: 0 for what learned without labels, 'all', or so many.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown, page
from semisup_jax.studies.methods import findings, pseudo_labels, tables
from semisup_jax.studies.methods.measured import Measured


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
  measured = Measured(rows)
  parts = [
    _head(config, measured),
    page.found('What was found', findings.sentences(measured)),
    _figure(measured, workdir),
    tables.encoders(measured),
    tables.floors(measured),
    tables.classifiers(measured),
    pseudo_labels.section(measured),
    tables.representations(measured),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  count = len(measured.seeds)
  spread = (
    f"mean ± standard deviation, n = {count} seeds; intervals are Student's t "
    'over seeds, and differences are paired by seed'
    if count > 1
    else 'of one seed, so that there are no intervals'
  )
  return (
    f'# Every method on {config.variant}\n\n'
    f'{measured.effort}; commit {measured.listed("commit")}. '
    f'Top-1 accuracy in per cent on the {config.report_split} part: {spread}. '
    'A seed changes the validation part, the labelled images, the initial '
    'weights and the views. What a run draws several times (the labels of a '
    'probe) is averaged first.\n'
  )


def _figure(measured: Measured, workdir: pathlib.Path) -> str:
  """Draws the probe of encoders and the accuracy of classifiers as dots."""
  from semisup_jax.reporting import figures

  shown = [
    {**row, 'method': _name(measured, row['method'])}
    for row in measured.of_encoders('linear_probe') + measured.of_classifiers()
  ]
  folder = workdir / 'methods'
  folder.mkdir(exist_ok=True)
  for theme in ('light', 'dark'):
    figure = figures.methods_comparison(shown, theme)
    figures.save(figure, folder / f'{theme}.png')
  picture = markdown.picture(
    'methods/light.png',
    'methods/dark.png',
    'Accuracy of every method, by labels a class',
  )
  return (
    f'{picture}\n\n'
    'Encoders by their linear probe, classifiers by themselves; bars are 95 % '
    'intervals over seeds.\n'
  )


def _name(measured: Measured, method: str) -> str:
  """The method, and a word where its training saw more than it seems."""
  saw = {row['factors']['labels'] for row in measured.of(method)}
  return wording.protocol(method) + (' (all labels)' if saw == {'all'} else '')
