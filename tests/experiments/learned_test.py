"""A model on disk, and back: the same embeddings, or one line that says why."""

import json
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import semisup_jax
from semisup_jax import metrics, models
from semisup_jax.experiments import head, model_file, saved_model
from semisup_jax.types import InputError

CONVNET = {
  'name': 'convnet',
  'width': 4,
  'strides': [1, 2],
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
PIXELS = {'name': 'pixels', 'dtype': 'float32'}
SHAPE = (6, 5, 3)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (11, *SHAPE)).astype(np.uint8)


def random_variables(encoder):
  """Of the right shapes; nothing has to be compiled for them."""
  x = jax.ShapeDtypeStruct((1, *SHAPE), jnp.float32)
  shapes = jax.eval_shape(
    lambda x: encoder.init(jax.random.key(0), x, train=False), x
  )
  lowest = {'params': -0.4, 'batch_stats': 0.5}  # A variance is positive.
  return {
    name: jax.tree.map(
      lambda x, low=lowest[name]: RANDOM.uniform(low, low + 1, x.shape).astype(
        x.dtype
      ),
      tree,
    )
    for name, tree in shapes.items()
  }


def a_model(section=CONVNET, *, size=8, head=None, **changes):
  encoder = models.make_encoder(section)
  return saved_model.SavedModel(
    method='simclr',
    section=section,
    image_shape=SHAPE,
    mean=np.array([0.5, 0.4, 0.1 + 0.2]),
    std=np.array([0.2, 0.3, 0.1]),
    class_names=('ant', 'bee'),
    embedding_size=size,
    encoder=encoder,
    variables=random_variables(encoder),
    head=head,
  )._replace(**changes)


def a_head(size=8):
  kernel = RANDOM.normal(size=(size, 2))
  return head.Head('linear_probe', 'all', 30, kernel, np.ones(2), 2.5, 12)


def leave(folder, saved):
  """What a finished run leaves of a model."""
  folder.mkdir()
  for name in ('config.json', 'results.json'):
    (folder / name).write_text('{}')
  model_file.write(saved, folder)
  return folder


@pytest.fixture(scope='module')
def saved():
  return a_model(head=a_head())


@pytest.fixture(scope='module')
def folder(saved, tmp_path_factory):
  return leave(tmp_path_factory.mktemp('runs') / 'run', saved)


@pytest.fixture(scope='module')
def learned(folder):
  return semisup_jax.load(folder)


def assert_same(a, b):
  """Every bit of two models, types too."""
  assert a._replace(variables=0, mean=0, std=0, head=0) == b._replace(
    variables=0, mean=0, std=0, head=0
  )
  pairs = [(a.variables, b.variables), (a.mean, b.mean), (a.std, b.std)]
  jax.tree.map(np.testing.assert_array_equal, *zip(*pairs, strict=True))
  types = [jax.tree.map(lambda x: x.dtype, m.variables) for m in (a, b)]
  assert types[0] == types[1]
  assert (a.head is None) == (b.head is None)
  for x, y in zip(a.head or (), b.head or (), strict=True):
    np.testing.assert_array_equal(x, y)


def test_what_was_written_is_read(folder, saved, tmp_path):
  assert_same(model_file.read(folder), saved)
  assert {path.suffix for path in folder.iterdir()} == {'.json', '.npz'}
  alone = a_model()
  assert_same(model_file.read(leave(tmp_path / 'run', alone)), alone)


def test_an_encoder_without_variables_is_a_model_too(tmp_path):
  size = int(np.prod(SHAPE))
  pixels = a_model(PIXELS, size=size, head=a_head(size))
  assert_same(model_file.read(leave(tmp_path / 'run', pixels)), pixels)


def test_what_numpy_cannot_store_comes_back_as_it_was(tmp_path):
  narrow = a_model()
  narrow = narrow._replace(
    variables=jax.tree.map(lambda x: x.astype(jnp.bfloat16), narrow.variables)
  )
  place = leave(tmp_path / 'run', narrow)
  with np.load(place / 'model.npz', allow_pickle=False) as file:
    assert {array.dtype.name for array in dict(file).values()} == {'float32'}
  assert_same(model_file.read(place), narrow)


def test_a_write_that_fails_leaves_what_was_there(folder, saved, monkeypatch):
  def torn(file, **arrays):
    file.write(b'PK')
    raise OSError('the disk is full')

  monkeypatch.setattr(np, 'savez', torn)
  with pytest.raises(OSError, match='the disk is full'):
    model_file.write(a_model(), folder)
  assert_same(model_file.read(folder), saved)


@pytest.mark.parametrize('count', [0, 1, 5, 11])
def test_embeddings_are_those_of_normalized_images(learned, saved, count):
  found = learned.embed(IMAGES[:count])
  assert found.dtype == np.float32
  x = (IMAGES[:count] / 255 - saved.mean) / saved.std
  expected, _ = learned.model.apply(
    learned.variables, jnp.asarray(x, jnp.float32), train=False
  )
  np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-5)


def test_probabilities_are_the_softmax_of_calibrated_logits(learned, saved):
  found = learned.classify(jnp.asarray(IMAGES))
  logits = learned.embed(IMAGES) @ saved.head.kernel + saved.head.bias
  logits -= logits.max(1, keepdims=True)
  expected = np.exp(logits / 2.5)
  expected /= expected.sum(1, keepdims=True)
  assert (found.dtype, found.shape) == (np.float32, (11, 2))
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  assert learned.class_names == ('ant', 'bee')
  assert learned.classify(IMAGES[:0]).shape == (0, 2)


def test_a_calibrated_head_fits_images_better_and_predicts_the_same():
  found = a_head()
  x = RANDOM.normal(size=(60, 8)).astype(np.float32)
  labels = (found.logits(x)[:, 1] > found.logits(x)[:, 0]).astype(int)
  labels[::5] = 1 - labels[::5]
  after = found.calibrated(x, labels)
  assert after.validation_images == 60
  np.testing.assert_array_equal(after.logits(x), found.logits(x))
  losses = [
    metrics.negative_log_likelihood(found.logits(x) / t, labels)
    for t in (after.temperature, 1.0, 2.5)
  ]
  assert losses[0] == min(losses)


@pytest.mark.parametrize(
  'images',
  [
    IMAGES / 255,
    IMAGES.astype(np.int32),
    IMAGES[0],
    IMAGES[..., 0],
    IMAGES[..., :1],
    IMAGES[:, :5],
    [],
  ],
)
def test_other_images_are_refused_with_what_would_be_right(learned, images):
  images = np.asarray(images)
  got = f'{images.dtype} {list(images.shape)}'
  for use in (learned.embed, learned.classify):
    with pytest.raises(InputError) as caught:
      use(images)
    assert str(caught.value) == (
      'images must be uint8 [N, 6, 5, 3] with values 0 to 255, as those that '
      f'the run has learned from; got {got}'
    )


def test_importing_is_light():
  code = (
    'import sys\n'
    'import semisup_jax\n'
    'assert callable(semisup_jax.load)\n'
    "assert not {'jax', 'numpy', 'flax'} & set(sys.modules)\n"
  )
  subprocess.run([sys.executable, '-c', code], check=True)


def rewrite(**changes):
  """Changes fields of model.json."""

  def change(folder):
    card = json.loads((folder / 'model.json').read_text())
    (folder / 'model.json').write_text(json.dumps({**card, **changes}))

  return change


def text(name, content):
  return lambda folder: (folder / name).write_text(content)


def cut(folder):
  whole = (folder / 'model.npz').read_bytes()
  (folder / 'model.npz').write_bytes(whole[: len(whole) // 2])


def altered(folder):
  """One number of one array, which no checksum of the file betrays."""
  with np.load(folder / 'model.npz') as file:
    arrays = dict(file)
  arrays['head/bias'] = arrays['head/bias'] + 1
  np.savez(folder / 'model.npz', **arrays)


class Opened:
  """A pickle of it makes a folder when it is read."""

  def __init__(self, folder):
    self.folder = folder

  def __reduce__(self):
    return type(self.folder).mkdir, (self.folder / 'opened',)


def pickled(folder):
  np.savez(folder / 'model.npz', np.array([Opened(folder)]))


@pytest.mark.parametrize(
  ('damage', 'message'),
  [
    (lambda f: (f / 'config.json').unlink(), '{f} holds no run of ours'),
    (
      lambda f: (f / 'results.json').unlink(),
      'the run in {f} is not finished; its command goes on with it',
    ),
    (
      lambda f: (f / 'model.npz').unlink(),
      '{f} has no model.npz: points of studies leave none, nor did older '
      'versions; remove results.json and report.html there and give the '
      "run's command again",
    ),
    (lambda f: (f / 'model.json').unlink(), '{f} has no model.json: .*'),
    (
      cut,
      '{f}/model.npz cannot be used: it is no .npz file, or a part of one',
    ),
    (text('model.npz', ''), '{f}/model.npz cannot be used: .*'),
    (
      altered,
      '{f}/model.npz cannot be used: its arrays are not those that model.json '
      'is of',
    ),
    (pickled, '{f}/model.npz cannot be used: Object arrays cannot be .*'),
    (text('model.json', '{'), '{f}/model.json is not a model of ours: .*'),
    (text('model.json', '[]'), '{f}/model.json is not a model of ours: .*'),
    (
      text('model.json', '{}'),
      "{f}/model.json is not a model of ours: it lacks 'format'",
    ),
    (
      rewrite(format=2),
      '{f}/model.json has the format 2; this version reads 1',
    ),
    (
      rewrite(model={**CONVNET, 'width': 5}),
      r'{f}/model.npz cannot be used: \w+/stage1/.* is \(4,\), and should be '
      r'\(5,\)',
    ),
    (
      rewrite(class_names=['ant', 'bee', 'cat']),
      r'{f}/model.npz cannot be used: head/bias is \(2,\), and should be '
      r'\(3,\)',
    ),
    (
      rewrite(mean=[0.5]),
      r'{f}/model.npz cannot be used: mean is \(1,\), and should be \(3,\)',
    ),
    (rewrite(head={'protocol': 'x'}), '{f}/model.npz cannot be used: .*'),
    (rewrite(image_shape=['6', 5, 3]), '{f}/model.npz cannot be used: .*'),
    (
      rewrite(model={'name': 'vit'}),
      "unknown model.name 'vit'; known: convnet, pixels, resnet18, resnet34, "
      'resnet50, resnet9, squeezenet1_0, squeezenet1_1',
    ),
  ],
)
def test_what_is_damaged_is_said_in_one_line(saved, tmp_path, damage, message):
  folder = leave(tmp_path / 'run', saved)
  damage(folder)
  with pytest.raises(InputError) as caught:
    semisup_jax.load(folder)
  pattern = message.replace('{f}', re.escape(str(folder)))
  assert re.fullmatch(pattern, str(caught.value))
  assert not (folder / 'opened').exists()


def test_where_there_is_no_folder_that_is_said(tmp_path):
  with pytest.raises(InputError) as caught:
    semisup_jax.load(tmp_path / 'nowhere')
  assert str(caught.value) == f'there is no folder {tmp_path / "nowhere"}'
