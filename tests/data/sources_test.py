"""Every source on data made here, and on real data where it is present."""

import io
import json
import os
import pathlib
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from semisup_jax import data
from semisup_jax.data.dataset import Dataset
from semisup_jax.types import InputError

from ..data_section import section

REAL = pathlib.Path(
  os.environ.get(
    'SEMISUP_DATA_DIR', pathlib.Path(__file__).parents[3] / 'shared' / 'data'
  )
)
needs_real_data = pytest.mark.skipif(
  not REAL.is_dir(),
  reason=f'real images are not at {REAL}; set SEMISUP_DATA_DIR',
)


def save_npz(path, **arrays):
  np.savez(path, **arrays)
  return section(name='npz', path=str(path))


def test_digits_are_scikit_learns():
  from sklearn import datasets

  part = data.load(section(name='digits'))['train']
  source = datasets.load_digits()
  assert part.images.shape == (1797, 8, 8, 1)
  np.testing.assert_array_equal(part.labels, source.target)
  np.testing.assert_allclose(
    part.images[..., 0], source.images * 255 / 16, atol=0.5
  )
  assert part.class_names == tuple('0123456789')


@pytest.mark.parametrize('channels', [None, 1, 3])
@pytest.mark.parametrize('column', [False, True])
def test_npz_reads_medmnists_keys(tmp_path, channels, column):
  shape = (6, 5, 5) + (() if channels is None else (channels,))
  images = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
  labels = np.array([0, 1, 2, 0, 1, 2], np.uint8)
  config = save_npz(
    tmp_path / 'x.npz',
    train_images=images,
    train_labels=labels[:, None] if column else labels,
    val_images=images[:2],
    val_labels=labels[:2],
    test_images=images[:3],
    test_labels=labels[:3],
  )
  parts = data.load(config)
  assert {k: len(v) for k, v in parts.items()} == {
    'train': 6,
    'validation': 2,
    'test': 3,
  }
  np.testing.assert_array_equal(
    parts['train'].images, images.reshape(6, 5, 5, channels or 1)
  )
  np.testing.assert_array_equal(parts['train'].labels, labels)


IMAGES = np.zeros((4, 5, 5), np.uint8)
LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_npz_unlabelled_images_come_after_the_labelled_ones(tmp_path, save):
  images = np.arange(8 * 25).reshape(8, 5, 5).astype(np.uint8)
  path = tmp_path / 'x.npz'
  save(
    path,
    train_images=images[:3],
    train_labels=[0, 1, 1],
    unlabelled_images=images[3:],
  )
  train = data.load(section(name='npz', path=str(path)))['train']
  np.testing.assert_array_equal(train.images[..., 0], images)
  assert train.labels.tolist() == [0, 1, 1, -1, -1, -1, -1, -1]


def test_npz_unlabelled_images_are_resized_too(tmp_path):
  config = save_npz(
    tmp_path / 'x.npz',
    train_images=np.zeros((2, 8, 8, 3), np.uint8),
    train_labels=[0, 1],
    unlabelled_images=np.full((3, 6, 6, 3), 9, np.uint8),
  )
  images = data.load({**config, 'image_size': 4})['train'].images
  assert images.shape == (5, 4, 4, 3)
  assert images[2:].min() == images.max() == 9


@pytest.mark.parametrize(
  ('unlabelled', 'message'),
  [
    (np.zeros((2, 8, 8)), 'unlabelled_images in .* must be images, uint8'),
    (np.zeros((2, 8, 8, 3), np.uint8, 'F'), 'in Fortran order'),
    (np.zeros((2, 6, 6), np.uint8), r'different shapes, as \[8, 8, 1\] and'),
    (np.zeros((2, 8, 8, 2), np.uint8), 'with 1 or 3 channels'),
  ],
)
def test_npz_says_what_is_wrong_with_unlabelled_images(
  tmp_path, unlabelled, message
):
  config = save_npz(
    tmp_path / 'x.npz',
    train_images=np.zeros((2, 8, 8), np.uint8),
    train_labels=[0, 1],
    unlabelled_images=unlabelled,
  )
  with pytest.raises(InputError, match=message):
    data.load(config)


def test_many_unlabelled_images_are_in_memory_once(tmp_path):
  pixels = np.random.default_rng(0).integers(
    0, 256, (4000, 32, 32, 3), np.uint8
  )
  config = save_npz(
    tmp_path / 'x.npz',
    train_images=pixels[:10],
    train_labels=np.arange(10) % 2,
    test_images=pixels[:10],
    test_labels=np.arange(10) % 2,
    unlabelled_images=pixels[10:],
  )
  size = pixels.nbytes
  del pixels
  tracemalloc.start()
  try:
    parts = data.load(config)
    made = data.make_splits(
      parts,
      labels_per_class='all',
      labels_total=None,
      labels_skip=0,
      unlabelled_total=None,
      unlabelled_includes_labelled=False,
      validation_fraction=0.4,
      test_fraction=0.5,
      seed=0,
    )
    data.channel_statistics(made.train.images, made.known)
    _, most = tracemalloc.get_traced_memory()
  finally:
    tracemalloc.stop()
  assert len(made.unlabelled) == 3990
  assert (
    most < 1.6 * size
  )  # Of a chunk on its way, a quarter of all, two copies.


def test_npz_may_have_several_labels_an_image(tmp_path):
  labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]], np.uint8)
  arrays = {
    'train_images': IMAGES,
    'train_labels': labels,
    'unlabelled_images': IMAGES[:2],
  }
  path = save_npz(tmp_path / 'x.npz', **arrays)
  train = data.load(path)['train']
  assert train.class_names == ('0', '1', '2')
  unknown = np.full((2, 3), -1)
  np.testing.assert_array_equal(train.labels, np.r_[labels, unknown])
  some = data.load({**path, 'classes': (2, 0)})['train']
  assert some.class_names == ('2', '0')
  np.testing.assert_array_equal(some.labels, train.labels[:, [2, 0]])


@pytest.mark.parametrize(
  ('arrays', 'message'),
  [
    ({'images': IMAGES}, r'needs train_images and train_labels.*it has images'),
    ({'train_images': IMAGES}, 'needs train_images and train_labels'),
    (
      {'train_images': IMAGES, 'train_labels': LABELS[:3]},
      r'labels must be int32 \[4\]',
    ),
    (
      {'train_images': IMAGES.astype(float), 'train_labels': LABELS},
      'must be images, uint8 .*got float64',
    ),
    (
      {
        'train_images': IMAGES,
        'train_labels': LABELS,
        'test_images': IMAGES,
        'test_labels': LABELS - 1,
      },
      'labels of the test part must be at least 0, got -1',
    ),
    (
      {'train_images': IMAGES, 'train_labels': np.zeros((4, 14))},
      r'one integer an image.*float64 \[4, 14\]',
    ),
    (
      {'train_images': IMAGES, 'train_labels': np.full((4, 14), 2)},
      r'\[4, 14\], several labels an image, and so must be 0 or 1; got 2 to 2',
    ),
    (
      {
        'train_images': IMAGES,
        'train_labels': np.eye(4, dtype=int),
        'test_images': IMAGES,
        'test_labels': LABELS,
      },
      'must have one number of columns',
    ),
    (
      {
        'train_images': np.zeros((4, 5, 5, 4), np.uint8),
        'train_labels': LABELS,
      },
      r'1 or 3 channels; got uint8 \[4, 5, 5, 4\]',
    ),
    (
      {
        'train_images': np.array([object()] * 4),
        'train_labels': LABELS,
      },
      'cannot be read as .npz',
    ),
  ],
)
def test_npz_says_what_is_wrong(tmp_path, arrays, message):
  with pytest.raises(InputError, match=message):
    data.load(save_npz(tmp_path / 'x.npz', **arrays))


def test_a_file_that_is_no_npz_is_named(tmp_path):
  path = tmp_path / 'x.npz'
  path.write_bytes(b'not a zip file')
  with pytest.raises(InputError, match=r'x\.npz cannot be read'):
    data.load(section(name='npz', path=str(path)))


def test_an_npz_file_runs_nothing(tmp_path):
  class Hostile:
    def __reduce__(self):
      return (pathlib.Path.touch, (tmp_path / 'ran',))

  config = save_npz(
    tmp_path / 'x.npz',
    train_images=np.array([Hostile()] * 4, object),
    train_labels=np.arange(4),
  )
  with pytest.raises(InputError, match=r'cannot be read as \.npz'):
    data.load(config)
  assert not (tmp_path / 'ran').exists()


def test_an_npz_file_that_claims_to_be_huge_is_named(tmp_path):
  header = np.lib.format.magic(1, 0)
  said = str({'descr': '|u1', 'fortran_order': False, 'shape': (10**15,)})
  said = said.ljust(117) + '\n'
  header += len(said).to_bytes(2, 'little') + said.encode()
  with zipfile.ZipFile(tmp_path / 'x.npz', 'w') as file:
    file.writestr('train_images.npy', header)
    file.writestr('train_labels.npy', header)
  with pytest.raises(InputError, match=r'cannot be read as \.npz'):
    data.load(section(name='npz', path=str(tmp_path / 'x.npz')))


@pytest.mark.parametrize('linked', ['file', 'class'])
def test_a_link_that_leads_out_of_a_folder_is_refused(tmp_path, linked):
  save_images(tmp_path / 'elsewhere', ['secret'])
  root = tmp_path / 'images'
  save_images(root, ['ant', 'cat'])
  link, target = {
    'file': (root / 'ant' / 'x.png', tmp_path / 'elsewhere/secret/0.png'),
    'class': (root / 'dog', tmp_path / 'elsewhere/secret'),
  }[linked]
  link.symlink_to(target)
  with pytest.raises(InputError, match=f'{link.name}.* a link that leads'):
    data.load(section(name='folder', path=str(root)))


def test_a_link_within_a_folder_is_followed(tmp_path):
  save_images(tmp_path / 'images', ['ant', 'cat'])
  (tmp_path / 'images/ant/x.png').symlink_to(tmp_path / 'images/ant/0.png')
  (tmp_path / 'link').symlink_to(tmp_path / 'images')
  train = data.load(section(name='folder', path=str(tmp_path / 'link')))[
    'train'
  ]
  np.testing.assert_array_equal(train.labels, [0, 0, 0, 0, 1, 1, 1])


def save_images(root, classes, sizes=((8, 8),), mode='RGB', count=3):
  random = np.random.default_rng(0)
  for name in classes:
    (root / name).mkdir(parents=True)
    for i in range(count):
      width, height = sizes[i % len(sizes)]
      shape = (height, width) if mode == 'L' else (height, width, 3)
      pixels = random.integers(0, 256, shape, dtype=np.uint8)
      Image.fromarray(pixels).save(root / name / f'{i}.png')


@pytest.mark.parametrize(('mode', 'channels'), [('L', 1), ('RGB', 3)])
def test_folder_reads_class_folders(tmp_path, mode, channels):
  save_images(tmp_path, ['cat', 'ant'], mode=mode)
  (tmp_path / 'cat' / 'notes.txt').write_text('no image')
  parts = data.load(section(name='folder', path=str(tmp_path)))
  assert set(parts) == {'train'}
  train = parts['train']
  assert train.class_names == ('ant', 'cat')
  assert train.images.shape == (6, 8, 8, channels)
  np.testing.assert_array_equal(train.labels, [0, 0, 0, 1, 1, 1])
  first = np.asarray(Image.open(tmp_path / 'ant' / '0.png'))
  np.testing.assert_array_equal(train.images[0], first.reshape(8, 8, channels))


def test_folder_reads_split_folders(tmp_path):
  save_images(tmp_path / 'train', ['a', 'b'])
  save_images(tmp_path / 'test', ['b', 'a'], count=2)
  parts = data.load(section(name='folder', path=str(tmp_path)))
  assert {k: len(v) for k, v in parts.items()} == {'train': 6, 'test': 4}


@pytest.mark.parametrize('place', ['.', 'train'])
def test_folder_reads_unlabelled_images_at_any_depth(tmp_path, place):
  where = tmp_path / 'train' if place == 'train' else tmp_path
  save_images(where, ['a', 'b'])
  save_images(tmp_path / place, ['unlabelled'], count=2)
  save_images(tmp_path / place / 'unlabelled', ['more'], count=4)
  train = data.load(section(name='folder', path=str(tmp_path)))['train']
  assert train.class_names == ('a', 'b')
  assert train.labels.tolist() == [0, 0, 0, 1, 1, 1] + 6 * [-1]
  first = Image.open(tmp_path / place / 'unlabelled' / '0.png')
  np.testing.assert_array_equal(train.images[6], np.asarray(first))


def test_folder_has_numbered_files_in_their_order(tmp_path):
  save_images(tmp_path, ['a', 'b'], count=2)
  for name, number in (('a/0', 10), ('a/1', 2), ('b/0', 9), ('b/1', 0)):
    file = tmp_path / f'{name}.png'
    file.rename(tmp_path / name[0] / f'new{number}.png')
  for file in tmp_path.rglob('new*'):
    file.rename(file.with_name(file.name.removeprefix('new')))
  part = data.load(section(name='folder', path=str(tmp_path)))['train']
  assert part.labels.tolist() == [1, 0, 1, 0]  # 0, 2, 9, 10.
  last = Image.open(tmp_path / 'a' / '10.png')
  np.testing.assert_array_equal(part.images[3], np.asarray(last))


def test_folder_resizes_to_squares_and_keeps_the_aspect_ratio(tmp_path):
  for name in 'ab':
    (tmp_path / name).mkdir()
    # A white square on the middle of a wide black image: the sides are cut off.
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 255
    for i in range(2):
      Image.fromarray(pixels).save(tmp_path / name / f'wide{i}.png')
  config = section(name='folder', path=str(tmp_path), image_size=5)
  images = data.load(config)['train'].images
  assert images.shape == (4, 5, 5, 1)
  np.testing.assert_array_equal(images[:, :, 1:4], 255)
  assert images.min() > 200  # Scaling reaches a little over the cut.


def test_folder_with_different_sizes_needs_an_image_size(tmp_path):
  save_images(tmp_path, ['a', 'b'], sizes=((8, 8), (9, 7)))
  with pytest.raises(InputError, match=r'2 different sizes.*data.image_size='):
    data.load(section(name='folder', path=str(tmp_path)))


@pytest.mark.parametrize('content', [b'', b'no image at all'])
def test_folder_names_a_file_that_is_no_image(tmp_path, content):
  save_images(tmp_path, ['a', 'b'])
  (tmp_path / 'b' / 'broken.png').write_bytes(content)
  with pytest.raises(InputError, match=r'broken\.png cannot be'):
    data.load(section(name='folder', path=str(tmp_path)))


def test_folder_names_a_file_that_was_cut_off(tmp_path):
  save_images(tmp_path, ['a', 'b'], sizes=((64, 64),))
  path = tmp_path / 'b' / '1.png'
  path.write_bytes(path.read_bytes()[:3000])
  with pytest.raises(InputError, match=r'1\.png cannot be decoded'):
    data.load(section(name='folder', path=str(tmp_path)))


def test_folder_refuses_a_test_class_that_was_never_trained_on(tmp_path):
  save_images(tmp_path / 'train', ['a', 'b'])
  save_images(tmp_path / 'test', ['a', 'c'])
  with pytest.raises(InputError, match="class 'c', which is not in"):
    data.load(section(name='folder', path=str(tmp_path)))


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    (
      {'name': 'mnist'},
      "unknown data.name 'mnist'; known: digit_scenes, digits, folder",
    ),
    ({'name': 'tfds'}, r"tfds:<builder>.*got 'tfds'"),
    ({'name': 'digits:x'}, "got 'digits:x'"),
    ({'name': 'npz'}, 'data.path is not set; give an .npz file'),
    ({'name': 'npz', 'path': 'nowhere.npz'}, 'there is no nowhere.npz'),
    ({'name': 'folder', 'path': 'nowhere'}, 'there is no nowhere'),
    ({'name': 'digits', 'image_size': 2}, 'at least 4 px, got 2'),
    ({'name': 'tfds:cifar100', 'dir': 'nowhere'}, 'there is no folder nowhere'),
  ],
)
def test_a_source_that_is_not_there_is_named(fields, message):
  with pytest.raises(InputError, match=message):
    data.load(section(**fields))


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
  path = tmp_path / 'x.npz'
  path.write_bytes(b'')
  with pytest.raises(InputError, match='must be a folder, got the file'):
    data.load(section(name='folder', path=str(path)))


def test_an_unprepared_tfds_says_how_to_prepare_it(tmp_path):
  with pytest.raises(InputError) as error:
    data.load(section(name='tfds:cifar100', dir=str(tmp_path)))
  message = str(error.value)
  assert "pip install -e '.[prepare]'" in message
  assert f"tfds.builder('cifar100', data_dir={str(tmp_path)!r}" in message
  assert 'download_and_prepare()' in message
  assert '\n' not in message


def test_an_unknown_tfds_name_is_named(tmp_path):
  with pytest.raises(InputError, match="TFDS knows no data set 'cifar1000'"):
    data.load(section(name='tfds:cifar1000', dir=str(tmp_path)))


def prepare_tfds(folder, path, splits, num_classes):
  """What TFDS writes of a data set, without TensorFlow.

  `path` is name/config/version or name/version; `splits` are images and labels
  by name.
  """
  from array_record.python import array_record_module
  from tensorflow_datasets.proto import tf_example_pb2

  name, *config, version = path.split('/')
  folder = folder / path
  folder.mkdir(parents=True)
  for split, (images, labels) in splits.items():
    file = folder / f'{name}-{split}.array_record-00000-of-00001'
    writer = array_record_module.ArrayRecordWriter(str(file), 'group_size:1')
    for image, label in zip(images, labels, strict=True):
      buffer = io.BytesIO()
      Image.fromarray(image).save(buffer, 'png')
      example = tf_example_pb2.Example()
      feature = example.features.feature
      feature['image'].bytes_list.value.append(buffer.getvalue())
      feature['label'].int64_list.value.append(int(label))
      writer.write(example.SerializeToString())
    writer.close()
  package = 'tensorflow_datasets.core.features'
  shape = (*images.shape[1:], 1)[:3]
  features = {
    'image': {
      'pythonClassName': f'{package}.image_feature.Image',
      'image': {
        'shape': {'dimensions': [str(size) for size in shape]},
        'dtype': 'uint8',
        'encodingFormat': 'png',
      },
    },
    'label': {
      'pythonClassName': f'{package}.class_label_feature.ClassLabel',
      'classLabel': {'numClasses': str(num_classes)},
    },
  }
  tree = {
    'pythonClassName': f'{package}.features_dict.FeaturesDict',
    'featuresDict': {'features': features},
  }
  (folder / 'features.json').write_text(json.dumps(tree))
  names = '\n'.join(map(str, range(num_classes)))
  (folder / 'label.labels.txt').write_text(names)
  info = {
    'name': name,
    **({'configName': config[0]} if config else {}),
    'version': version,
    'fileFormat': 'array_record',
    'splits': [
      {
        'name': split,
        'shardLengths': [str(len(images))],
        'numBytes': '1',
        'filepathTemplate': '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}',
      }
      for split, (images, _) in splits.items()
    ],
  }
  (folder / 'dataset_info.json').write_text(json.dumps(info))


def prepare_emnist(folder, config, images, labels, num_classes):
  splits = dict.fromkeys(('train', 'test'), (images, labels))
  prepare_tfds(folder, f'emnist/{config}/3.1.0', splits, num_classes)


def test_tfds_unlabelled_images_come_after_the_labelled_ones(tmp_path):
  random = np.random.default_rng(0)
  sizes = {'train': 3, 'test': 2, 'unlabelled': 4}
  splits = {
    name: (
      random.integers(0, 256, (count, 96, 96, 3), np.uint8),
      list(range(count)),
    )
    for name, count in sizes.items()
  }
  prepare_tfds(tmp_path, 'stl10/1.0.0', splits, 10)
  parts = data.load(section(name='tfds:stl10', dir=str(tmp_path)))
  assert {name: len(part) for name, part in parts.items()} == {
    'train': 7,
    'test': 2,
  }
  # Whatever label the split has: nobody should know.
  assert parts['train'].labels.tolist() == [0, 1, 2, -1, -1, -1, -1]
  np.testing.assert_array_equal(parts['train'].images[:3], splits['train'][0])
  np.testing.assert_array_equal(
    parts['train'].images[3:], splits['unlabelled'][0]
  )


def test_tfds_letters_are_turned_and_count_from_zero(tmp_path):
  random = np.random.default_rng(0)
  images = random.integers(0, 256, (4, 28, 28), np.uint8)
  prepare_emnist(tmp_path, 'letters', images, [1, 3, 26, 2], 37)
  parts = data.load(section(name='tfds:emnist/letters', dir=str(tmp_path)))
  assert set(parts) == {'train', 'test'}
  for part in parts.values():
    np.testing.assert_array_equal(
      part.images[..., 0], images.transpose(0, 2, 1)
    )
    assert part.labels.tolist() == [0, 2, 25, 1]
    assert part.class_names == tuple('abcdefghijklmnopqrstuvwxyz')


def test_tfds_emnists_other_sets_are_turned_alone(tmp_path):
  images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
  prepare_emnist(tmp_path, 'digits', images, [0, 9], 10)
  part = data.load(section(name='tfds:emnist/digits', dir=str(tmp_path)))[
    'test'
  ]
  np.testing.assert_array_equal(part.images[..., 0], images.transpose(0, 2, 1))
  assert part.labels.tolist() == [0, 9]
  assert part.num_classes == 10


def test_some_classes_become_the_first(tmp_path):
  labels = np.array([0, 1, 2, 2, 1, 0])
  images = np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4)
  config = save_npz(
    tmp_path / 'x.npz', train_images=images, train_labels=labels
  )
  for classes in ((2, 0), ('2', '0'), ('2', 0)):
    part = data.load({**config, 'classes': classes})['train']
    assert part.class_names == ('2', '0')
    assert part.labels.tolist() == [1, 0, 0, 1]
    np.testing.assert_array_equal(part.images[..., 0], images[[0, 2, 3, 5]])


def test_unlabelled_images_stay_when_classes_are_chosen(monkeypatch):
  labels = np.array([0, 1, 2, 1, -1, -1], np.int32)
  made = Dataset(np.zeros((6, 8, 8, 1), np.uint8), labels, ('a', 'b', 'c'))
  monkeypatch.setitem(data.SOURCES, 'made', lambda config: {'train': made})
  part = data.load(section(name='made', classes=('b', 'c')))['train']
  assert part.labels.tolist() == [0, 1, 0, -1, -1]
  assert part.class_names == ('b', 'c')


def test_a_data_set_without_a_label_is_refused(tmp_path):
  images = np.zeros((4, 8, 8), np.uint8)
  config = save_npz(
    tmp_path / 'x.npz',
    train_images=images,
    train_labels=np.full(4, -1),
  )
  with pytest.raises(InputError, match='has no labelled image'):
    data.load(config)


def test_a_class_whose_name_is_another_number_is_asked_for(monkeypatch):
  images = np.zeros((4, 8, 8, 1), np.uint8)
  names = ('1', '2', '3')
  part = Dataset(images, np.array([0, 1, 2, 1], np.int32), names)
  monkeypatch.setitem(data.SOURCES, 'made', lambda config: {'train': part})
  with pytest.raises(
    InputError, match='2 is a number, and the name of class 1'
  ):
    data.load(section(name='made', classes=(2, 3)))
  kept = data.load(section(name='made', classes=('2', '3')))['train']
  assert kept.class_names == ('2', '3')


@pytest.mark.parametrize(
  ('classes', 'message'),
  [
    ((0, 12), r'0 to 9, or names, of which 0, 1, 2 are the first; got \(0, 12'),
    (('0', 'seven'), r"names.*got \('0', 'seven'\)"),
    ((3,), 'two different classes or more'),
    ((3, '3'), 'two different classes or more'),
  ],
)
def test_classes_that_are_not_there_are_named(classes, message):
  with pytest.raises(InputError, match=message):
    data.load(section(name='digits', classes=classes))


@needs_real_data
def test_tfds_reads_cifar100():
  config = section(name='tfds:cifar100', dir=str(REAL / 'tfds'))
  parts = data.load(config)
  assert parts['train'].images.shape == (50_000, 32, 32, 3)
  assert parts['test'].images.shape == (10_000, 32, 32, 3)
  np.testing.assert_array_equal(np.bincount(parts['train'].labels), 500)
  assert parts['train'].class_names[:2] == ('apple', 'aquarium_fish')
  # The statistics that everyone uses.
  mean, std = data.channel_statistics(parts['train'].images)
  np.testing.assert_allclose(mean, [0.5071, 0.4865, 0.4409], atol=1e-4)
  np.testing.assert_allclose(std, [0.2673, 0.2564, 0.2762], atol=1e-4)


@needs_real_data
def test_npz_reads_pneumoniamnist():
  path = REAL / 'npz' / 'pneumoniamnist.npz'
  parts = data.load(section(name='npz', path=str(path)))
  counts = {name: len(part) for name, part in parts.items()}
  assert counts == {'train': 4708, 'validation': 524, 'test': 624}


@pytest.mark.parametrize('batch_size', [1, 7, 1000])
def test_channel_statistics_equal_those_over_all_pixels(batch_size):
  images = np.random.default_rng(0).integers(0, 256, (50, 4, 6, 3), np.uint8)
  images[..., 2] = 9  # A constant channel may be divided by.
  mean, std = data.channel_statistics(images, batch_size=batch_size)
  x = images / 255
  np.testing.assert_allclose(mean, x.mean((0, 1, 2)), rtol=1e-12)
  expected = x.std((0, 1, 2))
  np.testing.assert_allclose(std[:2], expected[:2], rtol=1e-12)
  assert std[2] == 1.0


def test_a_label_without_a_name_is_refused():
  with pytest.raises(InputError, match='0 to 1, got 0 to 2'):
    Dataset(
      np.zeros((3, 4, 4, 1), np.uint8), np.arange(3, dtype=np.int32), ('a', 'b')
    )
