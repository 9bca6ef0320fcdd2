"""What the documentation shows is what is in the tree."""

import pathlib
import re
import shlex

import pytest

from semisup_jax.command_line import parsing

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


def commands():
  """Each `python launch.py ...` of the documentation, as it is written."""
  files = [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')]
  files += (ROOT / 'configs').rglob('*.py')
  found = set()
  for file in files:
    # In a docstring the backslash at a line's end is written twice.
    text = re.sub(r'\\+\n\s*', ' ', file.read_text())
    for line in re.findall(r'python launch\.py ([^\n`]*)', text):
      # What is cut off, or stands for many.
      if not re.search(r'\.\.\.|NAME|RECIPE|SEED|METHOD', line):
        # It may be quoted for another shell.
        found.add(line.rstrip("' "))
  return sorted(found)


@pytest.mark.parametrize('line', commands())
def test_every_command_that_is_shown_can_be_read(line, monkeypatch):
  monkeypatch.chdir(ROOT)
  # Variables of a shell, as of `srun`, are whatever they are there.
  words = shlex.split(re.sub(r'\$\{?\w+\}?', '1', line), comments=True)
  parsing.parse(words)
