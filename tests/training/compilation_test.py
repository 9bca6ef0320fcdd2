"""Compiled programs are kept for the next point, and nothing else changes."""

import contextlib
import os

import jax
import jax.numpy as jnp
import pytest

from semisup_jax import command_line
from semisup_jax.training import compilation

HITS = '/jax/compilation_cache/cache_hits'
OPTIONS = (
  'jax_compilation_cache_dir',
  'jax_persistent_cache_min_compile_time_secs',
  'jax_persistent_cache_min_entry_size_bytes',
)


@pytest.fixture
def hits():
  events = []

  def listen(event, **_):
    if event == HITS:
      events.append(event)

  jax.monitoring.register_event_listener(listen)
  yield events
  jax.monitoring.unregister_event_listener(listen)


def compile_one():
  """A new function each time, as a new run has, of the same program."""

  def odd_name(x):
    return jnp.sin(x) @ jnp.cos(x).T + 0.123

  return jax.jit(odd_name)(jnp.ones((3, 3)))


def test_the_same_program_is_read_the_second_time(tmp_path, hits, capfd):
  with compilation.kept(tmp_path):
    compile_one()
    first = len(hits)
    compile_one()
  assert len(hits) > first
  assert any('odd_name' in path.name for path in tmp_path.rglob('*'))
  assert not capfd.readouterr().err
  with compilation.kept(tmp_path):  # Of another day.
    before = len(hits)
    compile_one()
  assert len(hits) > before


def test_the_settings_are_undone_even_after_an_error(tmp_path, hits):
  before = [getattr(jax.config, name) for name in OPTIONS]
  with contextlib.suppress(KeyError), compilation.kept(tmp_path):
    assert [getattr(jax.config, name) for name in OPTIONS] != before
    raise KeyError
  assert [getattr(jax.config, name) for name in OPTIONS] == before
  compile_one()
  compile_one()
  assert not hits


def test_a_cache_that_someone_has_set_is_used(tmp_path):
  jax.config.update('jax_compilation_cache_dir', str(tmp_path / 'own'))
  try:
    with compilation.kept(tmp_path / 'ours'):
      assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'own')
  finally:
    jax.config.update('jax_compilation_cache_dir', None)
  assert not (tmp_path / 'ours').exists()


def test_each_run_of_a_process_keeps_its_own(tmp_path):
  for name in ('first', 'second'):
    with compilation.kept(tmp_path / name):
      compile_one()
    assert any('odd_name' in p.name for p in (tmp_path / name).rglob('*'))


def test_programs_are_kept_in_the_cache_of_the_person(tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  assert compilation.user_folder() == tmp_path / 'semisup_jax' / 'compiled'
  monkeypatch.setenv('XDG_CACHE_HOME', 'not/absolute')
  monkeypatch.setenv('HOME', str(tmp_path))
  expected = tmp_path / '.cache' / 'semisup_jax' / 'compiled'
  assert compilation.user_folder() == expected


def test_a_command_line_keeps_its_programs(tmp_path, monkeypatch, request):
  seen = []
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  monkeypatch.setattr(
    'semisup_jax.experiments.run',
    lambda *arguments, **named: seen.append(
      jax.config.jax_compilation_cache_dir
    ),
  )
  argv = ['--config=configs/simclr.py', f'--workdir={tmp_path / "run"}']
  assert command_line.main(argv) == 0
  assert seen[0].startswith(str(tmp_path / 'semisup_jax' / 'compiled'))
  assert not jax.config.jax_compilation_cache_dir


@pytest.mark.parametrize('place', ['a file', 'damaged', 'gone'])
def test_a_folder_that_cannot_be_used_stops_nothing(tmp_path, recwarn, place):
  folder = tmp_path / 'cache'
  if place == 'a file':
    folder.write_text('')
  with compilation.kept(folder):
    compile_one()
  if place == 'damaged':
    for path in folder.rglob('*-cache'):
      path.write_bytes(path.read_bytes()[:20])
  with compilation.kept(folder):
    if place == 'gone':
      for path in [*folder.rglob('*-cache')]:
        path.unlink()
      (machine,) = folder.iterdir()
      machine.rmdir()
    jax.clear_caches()
    compile_one()
  assert not recwarn.list


def test_what_was_used_longest_ago_makes_room(tmp_path, monkeypatch):
  monkeypatch.setattr(compilation, 'MAX_BYTES', 25)
  for machine, age in (('a', 3), ('b', 2), ('c', 1)):
    path = tmp_path / machine / 'x-cache'
    path.parent.mkdir()
    path.write_bytes(bytes(10))
    os.utime(path, (10**9 - age,) * 2)
  with compilation.kept(tmp_path):
    left = {path.parent.name for path in tmp_path.rglob('x-cache')}
  assert left == {'b', 'c'}
