"""The command line: one line for what is wrong, and nothing is written."""

import subprocess
import sys

import pytest

from semisup_jax import command_line

from .tiny_study import STUDY

RECIPE = '--config=configs/simclr.py'


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch, tmp_path, request):
  """Runs in the checkout's root; a run that starts would write to tmp_path."""
  root = request.config.rootpath
  monkeypatch.chdir(root)
  monkeypatch.syspath_prepend(root)


def run(capsys, *argv):
  status = command_line.main(list(argv))
  captured = capsys.readouterr()
  return status, captured.out, captured.err


@pytest.mark.parametrize('flag', ['--help', '-h', '--helpfull'])
def test_help_is_no_error(capsys, flag):
  status, out, err = run(capsys, flag)
  assert status == 0
  assert '--config=RECIPE' in out
  assert not err


def test_help_imports_nothing_heavy():
  code = (
    'import sys\n'
    'from semisup_jax import command_line\n'
    "command_line.main(['--help'])\n"
    "heavy = {'jax', 'numpy', 'rich', 'absl'} & set(sys.modules)\n"
    'assert not heavy, heavy\n'
  )
  subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


def test_a_recipe_is_read_locked_and_named():
  command = command_line.parse([RECIPE])
  assert command.config.is_locked
  assert command.workdir.as_posix() == 'runs/simclr'
  assert command.sweep is None
  command = command_line.parse([RECIPE + ':cifar100'])
  assert command.workdir.as_posix() == 'runs/simclr-cifar100'


@pytest.mark.parametrize(
  ('argument', 'section', 'field', 'value'),
  [
    ('--config.batch_size=128', None, 'batch_size', 128),
    ('--config.schedule.steps=None', 'schedule', 'steps', None),
    ('--config.schedule.epochs=3', 'schedule', 'epochs', 3),
    ('--config.optimizer.clip_norm=1', 'optimizer', 'clip_norm', 1.0),
    ('--config.data.labels_per_class=5', 'data', 'labels_per_class', 5),
    ('--config.data.labels_per_class=all', 'data', 'labels_per_class', 'all'),
    (
      '--config.evaluation.labels_per_class=1,all',
      'evaluation',
      'labels_per_class',
      (1, 'all'),
    ),
    (
      '--config.evaluation.protocols=knn,linear_probe',
      'evaluation',
      'protocols',
      ('knn', 'linear_probe'),
    ),
    (
      "--config.evaluation.protocols=('knn',)",
      'evaluation',
      'protocols',
      ('knn',),
    ),
  ],
)
def test_a_field_can_be_changed(argument, section, field, value):
  config = command_line.parse([RECIPE, argument]).config
  place = config[section] if section else config
  assert place[field] == value


@pytest.mark.parametrize(
  ('arguments', 'expected'),
  [
    ([], None),
    (['--multihost'], 'detect'),
    (['--multihost=no'], 'no'),
    (['--multihost=a:1,2,0'], 'a:1,2,0'),
  ],
)
def test_several_hosts_are_asked_for_with_or_without_an_address(
  arguments, expected
):
  assert command_line.parse([RECIPE, *arguments]).multihost == expected


@pytest.fixture
def recipe(tmp_path):
  def write(text):
    (tmp_path / 'study.py').write_text(text)
    return f'--config={tmp_path / "study.py"}'

  return write


@pytest.mark.parametrize(
  ('values', 'last'),
  [(('1,5,all', '3'), (3,)), (('3', '1,5,all'), (1, 5, 'all'))],
)
def test_of_a_field_that_is_set_twice_the_last_one_holds(values, last):
  flags = [f'--config.evaluation.labels_per_class={value}' for value in values]
  config = command_line.parse([RECIPE, *flags]).config
  assert config.evaluation.labels_per_class == last
  for steps in (('7', 'None'), ('None', '7')):
    flags = [f'--config.schedule.steps={value}' for value in steps]
    config = command_line.parse([RECIPE, *flags]).config
    assert str(config.schedule.steps) == steps[1]


def test_a_field_may_stand_before_its_recipe():
  assert command_line.parse(['--config.seed=3', RECIPE]).config.seed == 3


def test_a_study_is_read_with_its_points_as_they_were_when_yielded(recipe):
  command = command_line.parse(
    [recipe(STUDY), '--config.seeds=4,5,6', '--points=2/3']
  )
  assert command.workdir.as_posix() == 'runs/study'
  assert command.part == (2, 3)
  assert [factors['seed'] for factors, _ in command.sweep] == [4, 5, 6]
  assert [point.seed for _, point in command.sweep] == [4, 5, 6]
  assert command.batch_size == 20
  # The tasks of srun are parts of it, and never one run.
  assert command.multihost == 'no'


def test_the_largest_batch_is_that_of_a_micro_batch():
  command = command_line.parse([RECIPE, '--config.optimizer.accumulate=8'])
  assert command.batch_size == 256 // 8
  # What is wrong with it is said later.
  command = command_line.parse([RECIPE, '--config.optimizer.accumulate=0'])
  assert command.batch_size == 256
