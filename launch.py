"""Runs a recipe: `python launch.py --config=configs/simclr.py`; see --help."""

import sys

from semisup_jax import command_line

if __name__ == '__main__':
  sys.exit(command_line.main())
