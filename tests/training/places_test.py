"""Each training has a device of its own, where there are enough trainings."""

import threading

import jax
import pytest

from semisup_jax import training
from semisup_jax.training import sharding


@pytest.fixture
def cores(monkeypatch):
  return lambda count: monkeypatch.setattr(
    sharding, 'usable_cores', lambda: count
  )


@pytest.mark.parametrize(
  ('usable', 'trainings', 'expected'),
  [(3, 30, 3), (3, 3, 3), (3, 2, 0), (1, 30, 0), (100, 30, 8), (100, 7, 0)],
)
def test_there_are_as_many_as_cores_if_all_of_them_are_busy(
  usable, trainings, expected, cores
):
  cores(usable)
  meshes = training.Places(trainings).meshes
  assert [mesh.size for mesh in meshes] == [1] * expected
  devices = [mesh.devices.item() for mesh in meshes]
  assert devices == jax.devices()[:expected]


def test_what_is_borrowed_is_nobody_elses_until_it_is_given_back(cores):
  cores(2)
  places, waiting = training.Places(2), threading.Event()
  got = []

  def third():
    waiting.set()
    with places.borrowed() as mesh:
      got.append(mesh)

  with places.borrowed() as first, places.borrowed() as second:
    assert {first, second} == set(places.meshes)
    thread = threading.Thread(target=third)
    thread.start()
    assert waiting.wait(60)
    assert not got
  thread.join(60)
  assert got[0] in places.meshes


def test_none_is_lent_where_trainings_have_all_devices(cores):
  cores(2)
  with training.Places(1).borrowed() as mesh:
    assert mesh is None
