"""The command line: one line for what is wrong, and nothing is written."""

import subprocess
import sys

import pytest

from semisup_jax import command_line

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
  ('arguments', 'message'),
  [
    ([], 'no recipe was given; try --config=configs/simclr.py'),
    (['--config'], 'cannot read the recipe --workdir='),
    (
      ['--config=configs/simclrr.py'],
      'cannot read the recipe configs/simclrr.py',
    ),
    ([RECIPE + ':mnist'], "unknown variant 'mnist'; known: cifar100, digits"),
    ([RECIPE, '--config.sede=1'], "'sede'; did you mean 'seed'?"),
    ([RECIPE, '--config.optimiser.name=sgd'], "did you mean 'optimizer'?"),
    ([RECIPE, '--config.model.xyzzy=1'], "unknown config field 'xyzzy'"),
    ([RECIPE, '--config.batch_size=big'], 'batch_size=big'),
    ([RECIPE, '--config.batch_size=1.5'], 'batch_size=1.5'),
    ([RECIPE, '--config.batch_size=None'], 'batch_size cannot be None'),
    ([RECIPE, '--config.data.nam=None'], "unknown config field 'data.nam'"),
    ([RECIPE, '--wordkir=x'], "'wordkir'"),
    ([RECIPE, '--points=1/2'], 'configs/simclr.py is one run'),
    ([RECIPE, '--points=3'], 'must be I/N, as 3/8 for the 3rd of 8 parts'),
    ([RECIPE, '--points=3/2'], '--points=3/2: parts are numbered 1/2 to 2/2'),
    ([RECIPE, '--multihost=localhost'], 'must be HOST:PORT,N,I'),
    ([RECIPE, '--multihost=localhost:1234,2,2'], 'numbered 0 to 1, got 2'),
    ([RECIPE, '--multihost', 'x:1,2,0'], "stray argument 'x:1,2,0'"),
    ([RECIPE, 'batch_size=4'], "stray argument 'batch_size=4'"),
    (['--config.seed=1', RECIPE], 'before a value for --config'),
    (
      [RECIPE, '--config.experiment=x'],
      "unknown experiment 'x'; known: ",
    ),
    (
      [RECIPE, '--config.report_split=train'],
      "'train'; known: test, validation",
    ),
    ([RECIPE, '--config.seed=-1'], 'seed must be in 0 to 2**32 - 1, got -1'),
    ([RECIPE, '--config.data.name=mnist'], "unknown data.name 'mnist'"),
    ([RECIPE + ':npz'], 'data.path is not set; give an .npz file'),
    ([RECIPE + ':folder', '--config.data.path=nowhere'], 'there is no nowhere'),
    ([RECIPE, '--config.method.name=moco'], "unknown method.name 'moco'"),
    ([RECIPE, '--config.model.name=vit'], "unknown model.name 'vit'"),
    ([RECIPE, '--config.data.views=flip|normalize'], "'flip'"),
    ([RECIPE, '--config.data.views=noise(0.1)'], "must end in '|normalize'"),
    ([RECIPE, '--config.seed=4294967296'], 'got 4294967296'),
    ([RECIPE, '--config.schedule=None'], 'it is a section'),
    ([RECIPE, '--config.model.name=resnet18'], 'needs model.stem'),
    ([RECIPE, '--config.method.name=supervised'], 'needs method.label_smooth'),
    ([RECIPE, '--config.model.dtype=float64'], 'JAX_ENABLE_X64=1'),
    ([RECIPE, '--config.method.projector_output=0'], 'at least 1; got 0'),
    (
      [RECIPE, '--config.data.views=normalize((0, 0, 0), 1)|normalize'],
      'normalize',
    ),
    ([RECIPE, '--config.evaluation.fine_tune.augment=flip'], 'normalize'),
    ([RECIPE, '--config.evaluation.fine_tune.label_smoothing=7'], 'got 7.0'),
    ([RECIPE, '--config.evaluation.labels_per_class=5,5'], 'names one twice'),
    ([RECIPE, '--config.evaluation.protocols=knn,knn'], 'names one twice'),
    (
      [
        RECIPE,
        '--config.data.labels_per_class=5',
        '--config.evaluation.labels_per_class=5',
      ],
      "use 'all' for it",
    ),
    (
      [
        RECIPE,
        '--config.evaluation.protocols=fine_tune',
        '--config.evaluation.labels_per_class=all',
      ],
      'nothing would be evaluated',
    ),
    ([RECIPE, '--config.data.labels_total=100'], 'exactly one of'),
    (
      [
        '--config=configs/supervised.py',
        '--config.evaluation.protocols=supervised',
      ],
      'is trained already',
    ),
    ([RECIPE, '--config.data.views=noise(much)'], 'noise'),
    (
      [RECIPE, '--config.batch_size=4096'],
      '4096 is larger than the unlabelled',
    ),
    ([RECIPE, '--config.batch_size=1'], 'at least 2, got 1'),
    ([RECIPE, '--config.schedule.epochs=5'], 'exactly one of steps, epochs'),
    ([RECIPE, '--config.schedule.steps=None'], 'got none of them'),
    ([RECIPE, '--config.schedule.warmup=9999'], '9999'),
    ([RECIPE, '--config.schedule.decay=linear'], "'linear'; known"),
    ([RECIPE, '--config.optimizer.name=adam'], "'adam'; known: adamw, lars"),
    ([RECIPE, '--config.optimizer.learning_rate=0'], 'rate must be positive'),
    ([RECIPE, '--config.optimizer.clip_norm=-1'], 'clip_norm'),
    ([RECIPE, '--config.evaluation.labels_per_class=999'], 'asks for 999'),
    ([RECIPE, '--config.evaluation.labels_per_class=some'], "got 'some'"),
    ([RECIPE, '--config.evaluation.protocols=svm'], "'svm'; known: fine_tune"),
    ([RECIPE, '--config.evaluation.draws=0'], 'at least 1, got 0'),
    ([RECIPE, '--config.evaluation.every=0'], '1 or more steps, got 0'),
    (
      [RECIPE, '--config.evaluation.fine_tune.schedule.warmup=9999'],
      '9999',
    ),
    ([RECIPE, '--config.checkpoint.every=0'], 'got 0 and 2'),
    ([RECIPE, '--config.evaluation.knn.neighbours=0'], 'got 0 and'),
  ],
)
def test_bad_input_is_one_line_status_2_and_nothing_written(
  capsys, tmp_path, arguments, message
):
  workdir = tmp_path / 'run'
  status, out, err = run(capsys, *arguments, f'--workdir={workdir}')
  assert status == 2
  assert err.startswith('error: ')
  assert err.count('\n') == 1, err
  assert message in err
  assert 'Traceback' not in err + out
  assert not workdir.exists()


STUDY = """
from ml_collections import config_dict

def get_config(variant='a'):
  return config_dict.create(study='tiny', seeds=(0, 1), variant=variant)

def sweep(config):
  if config.variant == 'b':
    raise ValueError('unknown variant b;\\n known: a')
  point = config_dict.create(experiment='none', batch_size=8, seed=0)
  for seed in config.seeds:
    point.seed = seed
    point.batch_size = 8 + 2 * seed
    yield {'seed': seed}, point
"""


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


@pytest.mark.parametrize(
  ('text', 'arguments', 'message'),
  [
    (STUDY, ['--points=0/2'], 'numbered 1/2 to 2/2'),
    (STUDY, ['--points=3/2'], 'numbered 1/2 to 2/2'),
    (STUDY, ['--points=two'], 'must be I/N, as 3/8 for the 3rd of 8 parts'),
    (STUDY, ['--points=1/2/3'], "got '1/2/3'"),
    (STUDY, ['--multihost'], 'shared out over hosts by --points=I/N'),
    (STUDY, ['--multihost=a:1,2,0'], '--multihost is for one run'),
    (STUDY, ['--points=-1/3'], 'must be I/N'),
    (STUDY, [], "seed=0: unknown experiment 'none'; known: "),
    (STUDY, ['--config.seeds=()'], 'the sweep has no points'),
    (STUDY, ['--config.seeds=1,1'], 'two points are called seed=1'),
    (STUDY, ['--config.variant=b'], 'no such sweep: unknown variant b; known'),
    (STUDY.replace('sweep(', 'swep('), [], 'but no sweep(config)'),
    (STUDY.replace('study=', 'name='), [], 'config has no field study'),
  ],
)
def test_a_bad_study_is_one_line_status_2_and_nothing_written(
  capsys, tmp_path, recipe, text, arguments, message
):
  workdir = tmp_path / 'run'
  status, _, err = run(capsys, recipe(text), *arguments, f'--workdir={workdir}')
  assert status == 2
  assert err.startswith('error: ')
  assert err.count('\n') == 1, err
  assert message in err
  assert not workdir.exists()
