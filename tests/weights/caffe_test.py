"""SqueezeNet as its authors published it, on their own input and on ours."""

import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from configs import data_sets
from semisup_jax import models, weights
from semisup_jax.types import InputError

REAL = (
  pathlib.Path(
    os.environ.get(
      'SEMISUP_DATA_DIR', pathlib.Path(__file__).parents[3] / 'shared' / 'data'
    )
  )
  / 'squeezenet'
)
SECTION = {'dtype': 'float32', 'remat': False}
FIRES = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}


def made_arrays():
  """Random ones, under the names and of the shapes of the file."""
  random = np.random.default_rng(0)
  shapes, channels = {'conv1': (96, 3, 7, 7)}, 96
  for i, squeeze in FIRES.items():
    shapes[f'fire{i}/conv1x1_1'] = (squeeze, channels, 1, 1)
    shapes[f'fire{i}/conv1x1_2'] = (4 * squeeze, squeeze, 1, 1)
    shapes[f'fire{i}/conv3x3_2'] = (4 * squeeze, squeeze, 3, 3)
    channels = 8 * squeeze
  shapes['conv_final'] = (1000, 512, 1, 1)
  arrays = {}
  for layer, shape in shapes.items():
    scale = (2 / np.prod(shape[1:])) ** 0.5
    arrays[f'{layer}.weight'] = random.normal(scale=scale, size=shape)
    arrays[f'{layer}.bias'] = random.normal(scale=0.1, size=shape[0])
  return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope='module')
def arrays():
  return made_arrays()


def test_the_first_convolution_takes_normalized_rgb(arrays, tmp_path):
  np.savez(tmp_path / 'x.npz', **arrays)
  model = models.squeezenet1_0(SECTION)
  found = weights.load(tmp_path / 'x.npz', model)
  pixels = np.random.default_rng(1).integers(0, 256, (2, 15, 17, 3))
  theirs = pixels[..., ::-1] - np.array([104.0, 117.0, 123.0])
  ours = (pixels / 255 - weights.IMAGENET_MEAN) / weights.IMAGENET_STD

  def conv(x, kernel, bias):
    return bias + jax.lax.conv_general_dilated(
      jnp.asarray(x, jnp.float32),
      kernel,
      (2, 2),
      'VALID',
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )

  kernel = arrays['conv1.weight'].transpose(2, 3, 1, 0)
  expected = np.asarray(conv(theirs, kernel, arrays['conv1.bias']))
  np.testing.assert_allclose(
    conv(ours, *(found['params']['conv1'][k] for k in ('kernel', 'bias'))),
    expected,
    atol=1e-5 * np.abs(expected).max(),
  )
  fire = found['params']['fire5']
  for name, theirs in (('squeeze', '1x1_1'), ('expand3x3', '3x3_2')):
    weight = arrays[f'fire5/conv{theirs}.weight'].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(fire[name]['kernel'], weight)
    bias = arrays[f'fire5/conv{theirs}.bias']
    np.testing.assert_array_equal(fire[name]['bias'], bias)


def refused(path, words, name='squeezenet1_0'):
  with pytest.raises(InputError, match=words) as caught:
    weights.load(path, models.MODELS[name](SECTION))
  assert '\n' not in str(caught.value)


def test_other_files_of_numpy_are_refused(arrays, tmp_path):
  path = tmp_path / 'x.npz'
  np.savez(path, images=np.zeros((3, 3), np.uint8))
  refused(path, r'an .npz file that lacks conv1\.weight\.npy')
  np.savez(path, **{**arrays, 'conv1.weight': np.array([None])})
  refused(path, 'Object arrays cannot be loaded')
  np.savez_compressed(path, **arrays, more=np.zeros(10**8, np.uint8))
  refused(path, 'unpacks to more than 24,968,480 bytes')
  np.savez(path, **arrays)
  path.write_bytes(path.read_bytes()[:100_000])
  refused(path, 'not a zip file')


def test_weights_of_version_1_0_do_not_fit_1_1(arrays, tmp_path):
  np.savez(tmp_path / 'x.npz', **arrays)
  refused(tmp_path / 'x.npz', 'it lacks: features.6', 'squeezenet1_1')


def test_its_classifier_pads_and_has_seen_227_px(arrays, tmp_path):
  path = tmp_path / 'x.npz'
  np.savez(path, **arrays)
  found = weights.load_classifier(path, models.squeezenet1_0(SECTION))
  assert found.model.num_classes == 1000
  assert (found.model.classifier_padding, found.image_size) == (1, 227)
  kernel = arrays['conv_final.weight'].transpose(2, 3, 1, 0)
  given = found.variables['params']['classifier']
  np.testing.assert_array_equal(given['kernel'], kernel)
  weights.export(tmp_path / 'x.safetensors', found.model, found.variables)
  found = weights.load_classifier(
    tmp_path / 'x.safetensors', models.squeezenet1_0(SECTION)
  )
  assert (found.model.classifier_padding, found.image_size) == (0, 224)
  with pytest.raises(InputError, match='it lacks: features'):
    weights.load_classifier(path, models.squeezenet1_1(SECTION))


def test_the_variant_of_recipes_normalizes_as_published_encoders_want_it():
  section = data_sets.base('published').data
  assert section.mean == weights.IMAGENET_MEAN
  assert section.std == weights.IMAGENET_STD


def picture(path):
  """The middle 227 px of 256, as the network was tested; RGB in [0, 1]."""
  with Image.open(path) as image:
    scale = 256 / min(image.size)
    size = [round(scale * side) for side in image.size]
    small = image.convert('RGB').resize(size, Image.Resampling.BILINEAR)
  left, top = ((side - 227) // 2 for side in size)
  return np.asarray(small.crop((left, top, left + 227, top + 227))) / 255


@pytest.mark.skipif(
  not REAL.is_dir(),
  reason=f'published weights are not at {REAL}; set SEMISUP_DATA_DIR',
)
def test_a_samoyed_is_seen_as_one():
  model, variables, _ = weights.load_classifier(
    REAL / 'squeezenet1_0_deepcomp.npz', models.squeezenet1_0(SECTION)
  )
  x = picture(REAL / 'dog.jpg') - weights.IMAGENET_MEAN
  x = jnp.asarray(x / weights.IMAGENET_STD, jnp.float32)[None]
  logits, _ = jax.jit(lambda x: model.apply(variables, x, train=False))(x)
  probabilities = np.asarray(jax.nn.softmax(logits[0]))
  names = (REAL / 'imagenet_classes.txt').read_text().splitlines()
  best = probabilities.argsort()[::-1][:5]
  assert names[best[0]] == 'Samoyed'
  assert probabilities[best[0]] == pytest.approx(0.7765, abs=0.005)
  # Other white or long-haired dogs, or a wallaby, by the published weights.
  assert 0.01 < probabilities[best[1]] < 0.1
