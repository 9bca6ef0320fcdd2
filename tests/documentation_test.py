"""What the documentation shows is what is in the tree."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SHOWN = re.findall(
  '```python\n(.*?)```',
  (ROOT / 'docs' / 'adding_a_method.md').read_text(),
  re.DOTALL,
)
FILES = [
  'semisup_jax/methods/vicreg.py',
  'semisup_jax/methods/__init__.py',
  'configs/vicreg.py',
  'tests/methods/conftest.py',
]


@pytest.mark.parametrize(('shown', 'file'), [*zip(SHOWN, FILES, strict=True)])
def test_adding_a_method_shows_the_code_as_it_is(shown, file):
  assert shown in (ROOT / file).read_text()
