"""Holds the table of layers true: a module imports only from lower rows."""

import ast
import pathlib

import pytest

import semisup_jax

ROOT = pathlib.Path(semisup_jax.__file__).parent
ROWS = [
  {'types'},
  {'devices'},
  {
    'objectives',
    'augment',
    'models',
    'data',
    'metrics',
    'optim',
    'reporting',
  },
  {'methods', 'training', 'visualize', 'weights'},
  {'evaluation'},
  {'experiments'},
  {'studies'},
  {'command_line'},
]
ROW = {package: i for i, row in enumerate(ROWS) for package in row}
# Where alone a heavy library is imported, so that a run works where it is
# missing: a prefix of the module's path.
ONLY_IN = {
  'matplotlib': 'reporting',
  'tensorflow_datasets': 'data/sources',
  'grain': 'data/reading',
  'sklearn': ('data/sources', 'metrics/representation.py', 'visualize'),
}
FILES = sorted(p for p in ROOT.rglob('*.py') if p != ROOT / '__init__.py')


def package_of(path):
  return path.relative_to(ROOT).parts[0].removesuffix('.py')


def imports(path):
  """Dotted names that a file imports, `from a import b` as `a.b`."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f'{path}: relative import'
      yield from (f'{node.module}.{alias.name}' for alias in node.names)


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_come_from_lower_rows_or_the_own_package(path):
  package = package_of(path)
  assert package in ROW, f'{package} stands in no row'
  for name in imports(path):
    if name.startswith('semisup_jax.'):
      other = name.split('.')[1]
      assert other in ROW, f'{path}: {name}'
      assert other == package or ROW[other] < ROW[package], (
        f'{package} (row {ROW[package]}) imports {name} (row {ROW[other]})'
      )


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_where_they_are_needed(path):
  place = path.relative_to(ROOT).as_posix()
  for name in imports(path):
    allowed = ONLY_IN.get(name.split('.')[0])
    assert allowed is None or place.startswith(allowed), f'{place}: {name}'


def test_nothing_is_named_after_a_drawer():
  drawers = {'utils', 'util', 'helpers', 'helper', 'misc', 'common'}
  assert not [p for p in FILES if p.stem in drawers]
