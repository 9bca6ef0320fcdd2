"""Checkpoints that are damaged, do not fit, or cannot be written."""

import contextlib
import pathlib
import shutil
import subprocess

import jax.numpy as jnp
import pytest

from semisup_jax import training
from semisup_jax.types import InputError

from .conftest import assert_same, checkpoints_in, fit, line_method, start

# Every file of a checkpoint that Orbax reads or might read.
FILES = (
  'state/_METADATA',
  'state/manifest.ocdbt',
  'state/d/*',
  'state/ocdbt.process_0/d/*',
  'digest/metadata',
  '_CHECKPOINT_METADATA',
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """A run's folder, its checkpoints of steps 20 and 30 and both states."""
  folder = tmp_path_factory.mktemp('run')
  state, step = start(line_method())
  checkpoints = checkpoints_in(folder)
  at20 = fit(state, step, steps=20, checkpoints=checkpoints)
  kept = {'20': at20.params['w'].copy(), '30': None}
  at30 = fit(at20, step, steps=30, checkpoints=checkpoints)
  kept['30'] = at30.params['w'].copy()
  checkpoints.close()
  return folder, kept


@pytest.fixture
def copied(trained, tmp_path):
  folder, kept = trained
  shutil.copytree(folder, tmp_path / 'run')
  return tmp_path / 'run', kept


def restore(folder, like=None):
  checkpoints = checkpoints_in(folder)
  try:
    return checkpoints.restore(like or start(line_method())[0])
  finally:
    checkpoints.close()


def truncate(data):
  return data[: len(data) // 2]


def alter(data):
  middle = len(data) // 2
  return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


@pytest.mark.parametrize('damage', [truncate, alter, None])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
  copied, damage, capfd
):
  folder, kept = copied
  newest = folder / 'checkpoints' / '30'
  harmed = [path for name in FILES for path in newest.glob(name)]
  assert len(harmed) >= len(FILES)
  pristine = folder.parent / 'pristine'
  shutil.copytree(newest, pristine)
  used = []
  for path in harmed:
    name = path.relative_to(newest)
    if damage is None:
      path.unlink()
    else:
      path.write_bytes(damage(path.read_bytes()))
    state, damaged = restore(folder)
    step = str(int(state.step))
    # What Orbax can do without may be harmed; the arrays are right in any case.
    assert_same(state.params['w'], kept[step])
    assert list(damaged) == ([] if step == '30' else [30]), name
    used.append(step)
    shutil.rmtree(newest, ignore_errors=True)
    shutil.copytree(pristine, newest)
  assert '20' in used
  assert 'Traceback' not in capfd.readouterr().err


def test_the_damaged_one_is_removed_and_its_step_can_be_saved_again(copied):
  folder, kept = copied
  (folder / 'checkpoints/30/state/manifest.ocdbt').write_bytes(b'')
  fresh, step = start(line_method())
  checkpoints = checkpoints_in(folder)
  state, damaged = checkpoints.restore(fresh)
  assert list(damaged) == [30]
  assert '\n' not in damaged[30]
  assert not (folder / 'checkpoints' / '30').exists()
  fit(state, step, steps=30, checkpoints=checkpoints)
  checkpoints.close()
  again, damaged = restore(folder)
  assert not damaged
  assert_same(again.params['w'], kept['30'])


def test_where_none_is_whole_it_is_said_and_nothing_is_removed(copied):
  folder, _ = copied
  for step in ('20', '30'):
    (folder / 'checkpoints' / step / 'digest/metadata').write_text('{}')
  with pytest.raises(
    InputError, match=r'no checkpoint .*step 30: its .*step 20: its'
  ):
    restore(folder)
  assert {p.name for p in (folder / 'checkpoints').iterdir()} == {'20', '30'}


def test_a_state_of_another_structure_is_named(copied):
  folder, _ = copied
  like = start(line_method())[0]
  wide = like.replace(params={'w': jnp.ones(3)})
  with pytest.raises(
    InputError, match=r'params\.w is float32 \[\] there, float32 \[3\] here'
  ):
    restore(folder, wide)
  more = like.replace(params={**like.params, 'b': jnp.ones(3)})
  with pytest.raises(
    InputError, match=r'params\.b is absent there, float32 \[3\] here'
  ):
    restore(folder, more)


@pytest.fixture
def small_disk(tmp_path):
  folder = tmp_path / 'disk'
  folder.mkdir()
  mount = ['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', str(folder)]
  try:
    subprocess.run(mount, check=True, capture_output=True)
  except (OSError, subprocess.CalledProcessError) as error:
    pytest.skip(f'a small disk cannot be mounted here: {error}')
  yield folder
  subprocess.run(['umount', str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_what_was_saved_stays(small_disk, capfd):
  state, step = start(line_method())
  checkpoints = checkpoints_in(small_disk)
  state = fit(state, step, steps=20, checkpoints=checkpoints)
  good = state.params['w'].copy()
  checkpoints._manager.wait_until_finished()
  fill(small_disk / 'filling')
  # The first save fails in the background, and it is the next that hears of it.
  with pytest.raises(
    training.StorageError,
    match=r'No space left on device\); the last good one is that of step 20',
  ):
    fit(state, step, steps=50, checkpoints=checkpoints)
  with contextlib.suppress(training.StorageError):
    checkpoints.close()
  assert 'Traceback' not in capfd.readouterr().err
  (small_disk / 'filling').unlink()
  state, damaged = restore(small_disk)
  assert (int(state.step), damaged) == (20, {})
  assert_same(state.params['w'], good)


def fill(path: pathlib.Path) -> None:
  with path.open('wb', buffering=0) as file, contextlib.suppress(OSError):
    while True:
      file.write(bytes(1024))
