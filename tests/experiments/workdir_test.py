"""The folder of a run: one run in it, of one config, or a fork of another."""

import json

import pytest

from semisup_jax.experiments import forking, workdir
from semisup_jax.experiments.workdir import BusyError
from semisup_jax.types import InputError

CONFIG = {'seed': 0, 'model': {'width': 4}, 'views': (1, 2)}


def begin(folder, config=CONFIG):
  with workdir.claimed(folder, config) as begun:
    return begun


def test_a_folder_is_new_once(tmp_path):
  folder = tmp_path / 'a' / 'run'
  assert not workdir.is_begun(folder, CONFIG)
  assert not folder.exists()
  assert not begin(folder)
  assert begin(folder)
  assert workdir.is_begun(folder, CONFIG)
  written = json.loads((folder / 'config.json').read_text())
  assert written['config']['model'] == {'width': 4}
  assert written['versions'].keys() >= {'jax', 'python'}


def test_two_runs_in_one_folder_are_one_too_many(tmp_path):
  with (
    workdir.claimed(tmp_path / 'run', CONFIG),
    pytest.raises(BusyError, match=r'in use by another run \(process \d+ on '),
  ):
    begin(tmp_path / 'run')
  assert begin(tmp_path / 'run')  # Given back.


def test_a_finished_run_can_be_read_while_it_is_claimed(tmp_path):
  with workdir.claimed(tmp_path / 'run', CONFIG):
    assert workdir.is_begun(tmp_path / 'run', CONFIG)


@pytest.mark.parametrize('left', workdir.LEFTOVERS)
def test_what_a_kill_at_the_very_first_moment_leaves_is_nothing(tmp_path, left):
  (tmp_path / left).write_text('{')
  assert not begin(tmp_path)
  assert begin(tmp_path)


def test_a_field_that_came_later_and_is_none_changes_nothing(tmp_path):
  begin(tmp_path)
  assert begin(tmp_path, {**CONFIG, 'weights': None})
  with pytest.raises(InputError, match='weights is unset there, x here'):
    begin(tmp_path, {**CONFIG, 'weights': 'x'})


def test_another_config_is_refused_by_name_and_changes_nothing(tmp_path):
  begin(tmp_path)
  before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
  other = {**CONFIG, 'model': {'width': 8}, 'more': 1}
  with pytest.raises(
    InputError,
    match=r'model\.width is 4 there, 8 here; more is unset there, 1 here.*fork',
  ):
    begin(tmp_path, other)
  assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize('text', ['', '{', '[]', '{"config"', '{}', '7'])
def test_a_config_that_cannot_be_read_is_not_overwritten(tmp_path, text):
  (tmp_path / 'config.json').write_text(text)
  with pytest.raises(InputError, match='not a config of ours'):
    begin(tmp_path)
  assert (tmp_path / 'config.json').read_text() == text


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
  (tmp_path / 'run').write_text('')
  with pytest.raises(InputError, match='holds no run of ours'):
    begin(tmp_path / 'run')
  with pytest.raises(InputError, match='cannot be used'):
    begin(tmp_path / 'run' / 'inner')


@pytest.fixture
def source(tmp_path):
  """A run that has come to step 20."""
  folder = tmp_path / 'old'
  begin(folder)
  (folder / 'checkpoints' / '20').mkdir(parents=True)
  (folder / 'checkpoints' / '20' / 'data').write_text('weights')
  (folder / 'metrics.jsonl').write_text('{"step": 20}\n')
  (folder / 'results.json').write_text('{}')
  return folder


def test_a_fork_has_the_checkpoints_and_its_own_config(source, tmp_path):
  new = tmp_path / 'new'
  assert forking.fork(source, new, {**CONFIG, 'seed': 1})
  assert (new / 'checkpoints/20/data').read_text() == 'weights'
  left = {path.name for path in new.iterdir()}
  assert left == {'checkpoints', 'config.json', 'metrics.jsonl'}
  assert begin(new, {**CONFIG, 'seed': 1})
  assert f'forked from {source}' in forking.notes(new)[0]
  assert 'resumed' in forking.notes(source)[0]
  assert not (tmp_path / 'new.part').exists()


def test_the_same_fork_again_goes_on_and_another_is_refused(source, tmp_path):
  new = tmp_path / 'new'
  config = {**CONFIG, 'seed': 1}
  assert forking.fork(source, new, config)
  (new / 'checkpoints' / '30').mkdir()
  assert not forking.fork(source, new, config)
  assert (new / 'checkpoints' / '30').exists()
  with pytest.raises(InputError, match='not forked from'):
    forking.fork(tmp_path / 'third', new, config)
  with pytest.raises(InputError, match='seed is 1 there, 2 here'):
    forking.fork(source, new, {**CONFIG, 'seed': 2})
  with pytest.raises(InputError, match='not forked from'):
    forking.fork(tmp_path / 'third', source, CONFIG)


def test_where_there_is_nothing_to_fork_nothing_is_written(source, tmp_path):
  new = tmp_path / 'new'
  with pytest.raises(InputError, match='holds no run of ours'):
    forking.fork(tmp_path / 'nowhere', new, CONFIG)
  (source / 'checkpoints' / '20').rename(tmp_path / '20')
  with pytest.raises(InputError, match='has no checkpoint to go on from'):
    forking.fork(source, new, CONFIG)
  assert not new.exists()
