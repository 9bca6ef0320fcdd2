"""Batches as a pure function of the step."""

import jax
import numpy as np
import pytest

from semisup_jax import data, training
from semisup_jax.types import InputError

IMAGES = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones(
  (1, 4, 4, 1), np.uint8
)
LABELS = np.arange(20) % 3


def stream(
  rows=range(20), batch_size=4, resident=False, seed=(0,), labels=LABELS
):
  mesh = training.make_mesh(batch_size)
  return data.ResidentStream(
    data.place(IMAGES, mesh) if resident else IMAGES,
    labels,
    np.array(rows),
    batch_size=batch_size,
    seed=seed,
    sharding=training.divided(mesh),
  )


@pytest.mark.parametrize('resident', [False, True])
def test_a_batch_depends_on_the_step_alone(resident):
  forward = stream(resident=resident)
  backward = stream(resident=resident)
  steps = range(12)
  ahead = [forward.batch(t) for t in steps]
  behind = [backward.batch(t) for t in reversed(steps)][::-1]
  for a, b in zip(ahead, behind, strict=True):
    assert a.keys() == {'image', 'index', 'label'}
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize('resident', [False, True])
def test_images_labels_and_rows_belong_together(resident):
  for t in range(6):
    batch = jax.device_get(stream(range(5, 15), resident=resident).batch(t))
    np.testing.assert_array_equal(batch['image'][:, 0, 0, 0], batch['index'])
    np.testing.assert_array_equal(batch['label'], batch['index'] % 3)
    assert set(batch['index']) <= set(range(5, 15))


@pytest.mark.parametrize(('rows', 'batch_size'), [(20, 4), (7, 4), (3, 8)])
def test_epochs_are_concatenated_and_each_sees_every_image_once(
  rows, batch_size
):
  made = stream(range(rows), batch_size=batch_size)
  flat = np.concatenate([made.rows(t) for t in range(3 * rows)])
  epochs = flat.reshape(-1, rows)
  np.testing.assert_array_equal(
    np.sort(epochs, axis=1), np.tile(np.arange(rows), (len(epochs), 1))
  )
  assert len({tuple(e) for e in epochs}) > 1


def test_the_batch_is_divided_over_the_mesh():
  batch = stream(batch_size=8).batch(0)
  assert batch['image'].sharding.num_devices == 8
  assert batch['image'].addressable_shards[0].data.shape == (1, 4, 4, 1)


def test_seeds_give_different_orders_and_no_labels_are_no_labels():
  assert not np.array_equal(
    stream(seed=(0,)).rows(0), stream(seed=(1,)).rows(0)
  )
  assert stream(labels=None).batch(0).keys() == {'image', 'index'}


def test_a_stream_needs_an_image():
  with pytest.raises(InputError, match='at least one image'):
    stream([])
