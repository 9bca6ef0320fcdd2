"""Accuracy by labels a class of several runs, over one axis."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from semisup_jax.reporting import comparison, label_curves, results, wording
from semisup_jax.reporting.compared_runs import Group, counted

# Of a run in the legend; a longer name keeps both of its ends.
ROOM = 24
# Lines that can still be told apart in one panel; more get one a protocol.
MOST = 8


def curves_of_runs(
  group: Group, theme: str = 'light', *, looks: Sequence[int] | None = None
) -> Figure:
  """A line for each run and protocol: the colour is the run's, the mark the
  protocol's.

  Args:
    group: Runs that were tested on the same images.
    theme: `light` or `dark`.
    looks: The number of each run's colour; 0, 1, ... by default.
  """
  looks = range(len(group)) if looks is None else looks
  grids = [results.results_table(run.results['rows']) for run in group]
  protocols = comparison.in_order(p for grid in grids for p in grid.protocols)
  panels: dict[str, list[label_curves.Line]] = {}
  called = _shortened([run.name for run in group])
  one = sum(len(grid.protocols) for grid in grids) <= MOST
  for mark, protocol in enumerate(protocols):
    title = '' if one else wording.protocol(protocol)
    for own, grid, look in zip(called, grids, looks, strict=True):
      rows = [
        grid.cells[at] for k in grid.ks if (at := (protocol, k)) in grid.cells
      ]
      if rows:
        name = f'{own}, {wording.protocol(protocol)}'
        line = label_curves.Line(name, rows, look, mark=mark)
        panels.setdefault(title, []).append(line)
  metric = next((grid.metric for grid in grids if grid.cells), 'top1')
  return label_curves.curves_by_labels(
    panels,
    theme,
    xlabel=counted(group[0]) if group else 'labels a class',
    ylabel=wording.metric_with_unit(metric),
  )


def _shortened(names: Sequence[str]) -> list[str]:
  """Names that fit; by their numbers as well where they would be the same."""
  half = ROOM // 2
  short = [
    name
    if len(name) <= ROOM
    else f'{name[: half - 1]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}'
    for name in names
  ]
  if len(set(short)) == len(short):
    return short
  return [f'{number}. {name}' for number, name in enumerate(short, 1)]
