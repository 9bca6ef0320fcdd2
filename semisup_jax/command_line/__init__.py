"""From the command line to an experiment; errors in one line."""

from semisup_jax.command_line.parsing import parse
from semisup_jax.command_line.running import main

__all__ = ['main', 'parse']
