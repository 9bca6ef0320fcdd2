"""Several finished runs: what tells them apart, and what may be compared."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from semisup_jax.reporting import tables

# Of the section data, what decides which images are tested on ...
_TESTED = (
  *('name', 'path', 'dir', 'classes', 'targets'),
  *('test_fraction', 'test_seed'),
)
# ... and, with the seed, which of the others are drawn as labelled ones. All of
# them divide what is not the test part, so they decide what validates as well.
_DRAWN = (
  *('validation_fraction', 'folds', 'fold'),
  *('labels_per_class', 'labels_total', 'labels_skip'),
)
_ENVIRONMENT = ('commit', 'date', 'devices', 'hardware', 'versions')


class Run(NamedTuple):
  """A finished run.

  Attributes:
    name: On the page; no other run has it.
    results: As in results.json.
    config: As in config.json, nested.
  """

  name: str
  results: Mapping[str, Any]
  config: Mapping[str, Any]

  @property
  def split(self) -> str:
    """The part that was tested on."""
    return self.results.get('split', 'test')

  @property
  def counts(self) -> Mapping[str, int]:
    """Images by part; empty where they were not recorded."""
    return self.results.get('run', {}).get('counts') or {}


Facts = Mapping[str, Any]
Group = Sequence[Run]


def names(folders: Sequence[pathlib.Path]) -> list[str]:
  """For each folder the shortest end of its path that no other one has.

  Args:
    folders: Absolute and different.
  """
  return [
    _shortest(own, [other for other in folders if other != own])
    for own in folders
  ]


def _shortest(own: pathlib.Path, others: Sequence[pathlib.Path]) -> str:
  for count in range(1, len(own.parts)):
    if all(_end(other, count) != _end(own, count) for other in others):
      return _end(own, count)
  return str(own)


def _end(folder: pathlib.Path, count: int) -> str:
  return str(pathlib.Path(*folder.parts[-count:]))


def counted(run: Run) -> str:
  """What the numbers of labels of its rows count, as an axis says it."""
  section = run.config.get('transfer') or {}
  of = ' of the source' if section.get('labels_per_class') else ''
  return f'labels a class{of}'


def tested_on(run: Run) -> Facts:
  """What decides on which images a run was tested, and by what it is shown.

  Numbers of runs that differ in it are of different questions.
  """
  facts = {
    'report_split': run.split,
    **_data(run, _TESTED),
    'number of images tested on': run.counts.get(run.split),
    'what is counted': counted(run),
  }
  return facts if run.split == 'test' else {**facts, **drawn_from(run)}


def drawn_from(run: Run) -> Facts:
  """What decides which labelled images are drawn.

  Where runs that were tested alike agree in it, each draw is of the same images
  in all of them.
  """
  return {'seed': run.config.get('seed'), **_data(run, _DRAWN)}


def _data(run: Run, fields: Sequence[str]) -> dict[str, Any]:
  section = run.config.get('data') or {}
  return {f'data.{field}': section.get(field) for field in fields}


def apart(a: Run, b: Run, facts: Callable[[Run], Facts]) -> str:
  """How two runs differ in facts, in words; empty where they do not.

  What is unset, 0 or empty is the same: a config that is older than a field had
  what the field's first value now means.

  Args:
    a: One.
    b: The other.
    facts: `tested_on` or `drawn_from`.
  """
  one, other = facts(a), facts(b)
  fields = [k for k in {**one, **other} if not _same(one.get(k), other.get(k))]
  return ', '.join(
    f'{k} is {_short(one.get(k))} in {a.name} and {_short(other.get(k))} in '
    f'{b.name}'
    for k in fields
  )


def _same(one: Any, other: Any) -> bool:
  return one == other or not (one or other)


def _short(value: Any) -> str:
  text = str(value)
  return text if len(text) <= 60 else f'{text[:57]}...'


def groups(runs: Sequence[Run]) -> list[list[Run]]:
  """Runs that were tested on the same images, in the order of the first ones.

  Only within a group one number can be held against another.
  """
  found: list[list[Run]] = []
  for run in runs:
    for group in found:
      if not apart(group[0], run, tested_on):
        group.append(run)
        break
    else:
      found.append([run])
  return found


def notes(grouped: Sequence[Group]) -> list[str]:
  """What may not be compared, and what not in pairs: one line each.

  Args:
    grouped: See `groups`.
  """
  first = grouped[0][0]
  lines = [
    f'{first.name} and {group[0].name} are not compared: '
    f'{apart(first, group[0], tested_on)}.'
    for group in grouped[1:]
  ]
  for reference, *others in grouped:
    for run in others:
      why = apart(reference, run, drawn_from)
      if why:
        lines.append(
          f'{run.name} and {reference.name} drew other labelled images: {why}; '
          'no difference of theirs is paired.'
        )
    lines += _about_all([reference, *others])
  return lines


def _about_all(group: Group) -> list[str]:
  """Where 'all' is not as many in all runs of a group."""
  sizes = {
    run.name: run.counts.get('labelled')
    for run in group
    if any(row['labels_per_class'] == 'all' for row in run.results['rows'])
  }
  if len(set(sizes.values())) < 2:
    return []
  told = ', '.join(
    f'{"unknown" if n is None else f"{n:,}"} in {name}'
    for name, n in sizes.items()
  )
  return [f"'all' is another number of labelled images: {told}."]


def differing(
  runs: Sequence[Run], facts: Callable[[Run], Facts]
) -> list[tuple[str, ...]]:
  """The fields that are not the same in all runs.

  Args:
    runs: Two or more.
    facts: Of a run, nested; `config` or `environment`.

  Returns:
    `(field, value of the first run, ...)`, dotted names and texts; empty where
    a run has no such field.
  """
  columns = [tables.flat(facts(run)) for run in runs]
  fields = dict.fromkeys(field for column in columns for field in column)
  lines = [
    (field, *(column.get(field, '') for column in columns)) for field in fields
  ]
  return [(field, *values) for field, *values in lines if len(set(values)) > 1]


def config(run: Run) -> Facts:
  """What was asked for."""
  return run.config


def environment(run: Run) -> Facts:
  """What it ran on: versions, commit, hardware and date."""
  known = run.results.get('run', {})
  return {name: known[name] for name in _ENVIRONMENT if known.get(name)}
