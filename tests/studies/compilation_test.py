"""Compiled programs are kept for the next point, and nothing else changes."""

import contextlib

import jax
import jax.numpy as jnp
import pytest

from semisup_jax.studies import compilation

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


def test_the_same_program_is_read_the_second_time(
  tmp_path, hits, monkeypatch, capfd
):
  monkeypatch.setattr(compilation, 'MIN_SECONDS', 0)
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


def test_each_study_of_a_process_keeps_its_own(tmp_path, monkeypatch):
  monkeypatch.setattr(compilation, 'MIN_SECONDS', 0)
  for name in ('first', 'second'):
    with compilation.kept(tmp_path / name):
      compile_one()
    assert any('odd_name' in p.name for p in (tmp_path / name).rglob('*'))
