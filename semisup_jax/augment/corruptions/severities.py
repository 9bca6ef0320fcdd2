"""The five strengths of a corruption, 1 to 5, and the constants behind them."""

from collections.abc import Sequence
from typing import Any

from semisup_jax.augment import amounts

SEVERITIES = (1, 2, 3, 4, 5)


def check(severity: Any) -> None:
  """Checks for a whole number in [1, 5], or raises InputError."""
  amounts.check_whole('severity', severity, min(SEVERITIES), max(SEVERITIES))


def pick(constants: Sequence[Any], severity: int) -> Any:
  """Returns what belongs to a severity.

  Args:
    constants: Of the severities 1 to 5, in this order.
    severity: A static whole number in [1, 5].

  Raises:
    InputError: If the severity is another.
  """
  check(severity)
  return constants[SEVERITIES.index(severity)]
