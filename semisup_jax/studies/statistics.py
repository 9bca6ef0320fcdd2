"""From the rows of points to means and paired differences.

The unit of replication is the seed: the draws of a run share its encoder and
its test images, so that they are averaged first, and each point contributes one
number to each protocol, number of labels and metric. Intervals are Student's t
over these numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semisup_jax import metrics
from semisup_jax.reporting import wording
from semisup_jax.studies import sentences

Row = Mapping[str, Any]

sentence = sentences.sentence

# What every number is of, beside the factors of its point.
MEASURED = ('protocol', 'labels_per_class', 'metric')
_NUMBERS = frozenset({'mean', 'std', 'n', 'low', 'high', 'interval', 'values'})


def observations(rows: Iterable[Row]) -> list[dict[str, Any]]:
  """One number for each point and each of its rows: the mean over its draws.

  Args:
    rows: Of points, as in rows.jsonl.

  Returns:
    Dicts of `value` and of what it is of: `point`, `method`, the factors, and
    the columns of the point's row, which say what was measured and so prevail
    over factors of the same name. Rows without a known mean are left out.
  """
  return [
    {
      'point': row['point'],
      'method': row.get('method'),
      **row['factors'],
      **{k: v for k, v in result.items() if k not in _NUMBERS},
      'value': result['mean'],
    }
    for row in rows
    for result in _results(row)
    if wording.known(result.get('mean'))
  ]


def summarize(
  rows: Iterable[Row],
  by: Sequence[str] = ('method', 'labels_per_class'),
  over: str = 'seed',
  *,
  level: float = 0.95,
) -> list[dict[str, Any]]:
  """Mean and spread over seeds, for each group of points.

  Args:
    rows: Of points, as in rows.jsonl.
    by: The fields that tell groups apart; protocol, labels_per_class and metric
      always do.
    over: The field whose values are the replications.
    level: Of the intervals.

  Returns:
    Rows as results.json has them, with the fields of `by`: `mean`, `std` (ddof
    1), `n`, `low`, `high`, `interval`, `values` and, in their order, `units`,
    the values of `over`.

  Raises:
    ValueError: If a field is unknown, or if a group has one value of `over`
      twice, since its points then differ in something that `by` does not name.
  """
  fields = list(dict.fromkeys([*by, *MEASURED]))
  groups = _groups(observations(rows), fields, over)
  return [
    {**dict(zip(fields, key, strict=True)), **_spread(units, over, level)}
    for key, units in groups.items()
  ]


def paired(
  rows: Iterable[Row],
  a: str | Mapping[str, Any],
  b: str | Mapping[str, Any],
  by: Sequence[str] = ('labels_per_class',),
  over: str = 'seed',
  *,
  metric: str = 'top1',
  level: float = 0.95,
) -> list[dict[str, Any]]:
  """Differences a - b over the seeds that both have.

  Args:
    rows: Of points, as in rows.jsonl.
    a: What is compared: fields and their values, as {'method': 'simclr',
      'protocol': 'knn'}; a text is a method.
    b: What it is compared with, likewise.
    by: The fields that tell comparisons apart.
    over: The field whose values are the pairs.
    metric: What is compared.
    level: Of the intervals.

  Returns:
    A row for each group in which both have a seed: the fields of `by`, `a`,
    `b`, `metric`, and as in `summarize` the numbers of the differences.

  Raises:
    ValueError: If a field is unknown, if nothing is `a` or `b`, or if a group
      has one value of `over` twice.
  """
  a, b = (_selector(side) for side in (a, b))
  seen = [o for o in observations(rows) if o['metric'] == metric]
  first, second = (_groups(_select(seen, s), by, over) for s in (a, b))
  differences = []
  for key in first:
    other = second.get(key, {})
    units = {u: v - other[u] for u, v in first[key].items() if u in other}
    if units:
      place = dict(zip(by, key, strict=True))
      found = {**place, 'a': a, 'b': b, 'metric': metric}
      differences.append({**found, **_spread(units, over, level)})
  return differences


def _results(row: Row) -> list[Row]:
  return [*row['rows'], *row.get('tables', {}).get('metrics', ())]


def _groups(
  seen: Iterable[Row], fields: Sequence[str], over: str
) -> dict[tuple, dict[Any, float]]:
  """Numbers by `over`, in groups that share the values of `fields`."""
  groups: dict[tuple, dict[Any, Row]] = {}
  for one in seen:
    missing = [field for field in (*fields, over) if field not in one]
    if missing:
      raise ValueError(f'no field {missing[0]!r}; known: {", ".join(one)}')
    group = groups.setdefault(tuple(one[field] for field in fields), {})
    other = group.setdefault(one[over], one)
    if other is not one:
      raise ValueError(
        f'{over}={one[over]} is there twice, from {other["point"]} and '
        f'{one["point"]}; name what tells them apart: {_apart(one, other)}'
      )
  return {
    key: {unit: group[unit]['value'] for unit in _ordered(group)}
    for key, group in groups.items()
  }


def _apart(one: Row, other: Row) -> str:
  different = (
    k for k in one if one[k] != other.get(k) and k not in ('point', 'value')
  )
  return ', '.join(different) or 'nothing but a factor that was overridden'


def _ordered(units: Iterable[Any]) -> list[Any]:
  return sorted(units, key=lambda u: (isinstance(u, str), u))


def _spread(
  units: Mapping[Any, float], over: str, level: float
) -> dict[str, Any]:
  values = list(units.values())
  mean, std = metrics.mean_and_std(values)
  low, high = metrics.student_t_interval(values, level)
  return {
    'mean': mean,
    'std': std,
    'n': len(values),
    'low': low,
    'high': high,
    'interval': f"Student's t over {over}s" if len(values) > 1 else None,
    'values': values,
    'over': over,
    'units': list(units),
  }


def _selector(side: str | Mapping[str, Any]) -> dict[str, Any]:
  return {'method': side} if isinstance(side, str) else dict(side)


def _select(seen: Sequence[Row], selector: Row) -> list[Row]:
  found = [o for o in seen if all(o.get(k) == selector[k] for k in selector)]
  if not found:
    raise ValueError(f'no row has {selector}')
  return found
