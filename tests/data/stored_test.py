"""Images that stay in their files are those that are read into memory."""

import multiprocessing
import zipfile

import numpy as np
import pytest
from PIL import Image

from semisup_jax import data, training
from semisup_jax.types import InputError

from ..data_section import of_folder, section

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (40, 9, 8, 3), np.uint8)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp('folder')
  places = [*(('train/ant', 'train/bee') * 8), *(['test/ant', 'test/bee'] * 4)]
  for i, place in enumerate([*places, *(['unlabelled'] * 16)]):
    (root / place).mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS[i]).save(root / place / f'{i}.png')
  return root


@pytest.fixture(scope='module')
def file(tmp_path_factory):
  path = tmp_path_factory.mktemp('file') / 'x.npz'
  np.savez(
    path,
    train_images=PIXELS[:16],
    train_labels=np.arange(16) % 2,
    test_images=PIXELS[16:24],
    test_labels=np.arange(8) % 2,
    unlabelled_images=PIXELS[24:],
  )
  return path


def both(name, path, **fields):
  """A data set in memory, and in its files."""
  config = section(name=name, path=str(path), **fields)
  return data.load(config), data.load({**config, 'in_memory': False})


def divided(parts):
  return data.make_splits(
    parts,
    labels_per_class='all',
    labels_total=None,
    labels_skip=0,
    unlabelled_total=None,
    unlabelled_includes_labelled=True,
    validation_fraction=0.25,
    test_fraction=0.25,
    seed=0,
  )


@pytest.mark.parametrize('kind', ['folder', 'npz'])
@pytest.mark.parametrize('image_size', [None, 6, 8])
def test_what_is_known_of_images_is_the_same(folder, file, kind, image_size):
  path = {'folder': folder, 'npz': file}[kind]
  resident, stored = both(kind, path, image_size=image_size)
  assert resident.keys() == stored.keys() == {'train', 'test'}
  splits = divided(resident), divided(stored)
  for name in ('train', 'validation', 'test'):
    a, b = (getattr(s, name) for s in splits)
    assert isinstance(b.images, data.StoredImages)
    assert a.images.shape == b.images.shape
    assert a.files == b.files
    np.testing.assert_array_equal(a.images, b.images[:])
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(
      data.digests(a.images), data.digests(b.images)
    )
  assert data.leaks(splits[0]) == data.leaks(splits[1])
  a, b = (data.channel_statistics(s.train.images, s.known) for s in splits)
  np.testing.assert_array_equal(a, b)


def test_they_are_indexed_as_an_array_is_but_never_become_one(file):
  resident, stored = (parts['train'].images for parts in both('npz', file))
  of_numbers = np.array([3, 31, 3])
  for index in (5, -1, slice(4, 20, 3), of_numbers, np.arange(32) % 5 == 0):
    np.testing.assert_array_equal(stored[index], resident[index])
  np.testing.assert_array_equal(
    stored.take(of_numbers)[1:], resident[of_numbers][1:]
  )
  with pytest.raises(IndexError):
    stored[32]
  with pytest.raises(TypeError, match='index those that are needed'):
    np.asarray(stored)


def streams(parts, workers, rows):
  resident, stored = (p['train'].images for p in parts)
  mesh = training.make_mesh(8)
  return [
    data.make_stream(
      images,
      parts[0]['train'].labels,
      rows,
      batch_size=8,
      seed=(0,),
      sharding=training.divided(mesh),
      workers=workers,
    )
    for images in (resident, stored)
  ]


@pytest.mark.parametrize(
  ('workers', 'steps'),
  [(0, (0, 0, 1, 2, 9, 10, 3)), (1, (0, 0, 1, 2)), (2, (3, 4, 5, 6, 7))],
)
def test_batches_are_the_same_however_many_processes_read(
  folder, workers, steps
):
  parts = both('folder', folder, image_size=8)
  expected, stream = streams(parts, workers, np.arange(3, 30))
  for step in steps:
    made = stream.batch(step)
    assert made['image'].sharding.num_devices == 8
    for name, array in expected.batch(step).items():
      np.testing.assert_array_equal(made[name], array)
  assert len(multiprocessing.active_children()) == workers
  stream.close()
  assert not multiprocessing.active_children()


def test_a_file_that_is_gone_is_one_line_from_whoever_reads(folder, tmp_path):
  for i, place in enumerate(('ant', 'bee') * 4):
    (tmp_path / place).mkdir(exist_ok=True)
    Image.fromarray(PIXELS[i]).save(tmp_path / place / f'{i}.png')
  parts = both('folder', tmp_path)
  (tmp_path / 'bee' / '7.png').unlink()
  for workers in (0, 1):
    _, stream = streams(parts, workers, np.arange(8))
    with pytest.raises(InputError, match=r'7\.png cannot be decoded') as error:
      stream.batch(0)
    assert '\n' not in str(error.value)
    stream.close()


def test_a_reading_process_that_is_killed_is_one_line(file):
  _, stream = streams(both('npz', file), 1, np.arange(8))
  stream.batch(0)
  for process in multiprocessing.active_children():
    process.kill()

  def drain():
    for step in range(1, 9):  # Some batches had been read before.
      stream.batch(step)

  with pytest.raises(InputError, match='a reading process ended'):
    drain()
  stream.close()


def test_what_cannot_be_used_is_found_before_anything_is_learned(tmp_path):
  for i, place in enumerate(('ant', 'bee') * 4):
    (tmp_path / place).mkdir(exist_ok=True)
    Image.fromarray(PIXELS[i].repeat(9, 0)).save(tmp_path / place / f'{i}.png')
  broken = tmp_path / 'ant' / '2.png'
  broken.write_bytes(broken.read_bytes()[:-300])
  with pytest.raises(InputError, match=r'2\.png cannot be decoded'):
    data.load(of_folder(tmp_path, in_memory=False))
  resident, stored = both('folder', tmp_path, skip_unreadable=True)
  a, b = resident['train'], stored['train']
  assert a.files == b.files
  assert len(b) == 7
  assert a.reading == b.reading
  np.testing.assert_array_equal(a.images, b.images[:])


@pytest.mark.parametrize(
  ('images', 'message'),
  [
    (np.zeros((2, 8, 8), np.uint8, 'F').T.copy('F').T, None),
    (np.zeros((2, 8, 8, 3), np.uint8, 'F'), 'in Fortran order'),
    (np.zeros((2, 8, 8)), 'must be images, uint8'),
    (np.zeros((2, 8, 8, 2), np.uint8), 'with 1 or 3 channels'),
    (np.zeros((0, 8, 8), np.uint8), 'must be images, uint8'),
  ],
)
def test_arrays_lie_row_by_row_in_an_npz_file(tmp_path, images, message):
  np.savez(tmp_path / 'x.npz', train_images=images, train_labels=[0, 1])
  config = section(name='npz', path=str(tmp_path / 'x.npz'), in_memory=False)
  if message is None:
    assert data.load(config)['train'].images.shape == (2, 8, 8, 1)
    return
  with pytest.raises(InputError, match=message):
    data.load(config)


def test_an_array_that_claims_to_be_larger_than_its_file_is_named(tmp_path):
  path = tmp_path / 'x.npz'
  with zipfile.ZipFile(path, 'w') as archive:
    with archive.open('train_images.npy', 'w') as stream:
      header = {'descr': '|u1', 'fortran_order': False}
      header['shape'] = (10**12, 8, 8, 3)
      np.lib.format.write_array_header_1_0(stream, header)
    with archive.open('train_labels.npy', 'w') as stream:
      np.lib.format.write_array(stream, np.arange(8) % 2)
  with pytest.raises(InputError, match=r'train_images\.npy is cut off'):
    data.load(section(name='npz', path=str(path), in_memory=False))


def test_an_epochs_order_is_not_kept_for_ever():
  order = data.orders.Order(np.arange(600_000), batch_size=100_000, seed=(0,))
  steps = [order.rows(step) for step in (0, 6, 12, 18, 24)]
  assert len({rows.tobytes() for rows in steps}) == 5
  assert len(order._epochs) <= 2
