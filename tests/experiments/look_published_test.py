"""A look into published classifiers, whose weights are made here."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import config_dict
from PIL import Image

from semisup_jax import command_line, models, weights
from semisup_jax.experiments.inside.published import TORCHVISION, of_weights

from ..reporting import reader

RECIPE = '--config=configs/visualize.py'
NAMES = ('cat', 'crane', 'dog', 'crane', 'owl')
KNOWN = ('cat', 'crane (2)', 'dog', 'crane (4)', 'owl')
SMALL = {'name': 'resnet18', 'stem': 'cifar', 'width': 2}
SQUEEZENET = {'name': 'squeezenet1_1'}
SIZE, SHORTER = 12, 16


def made(section):
  """A classifier of five classes, and random variables of it."""
  model = models.MODELS[section['name']]({**TORCHVISION, **section}, len(NAMES))
  x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
  shapes = jax.eval_shape(
    lambda x: model.init(jax.random.key(0), x, train=False), x
  )
  random = np.random.default_rng(0)

  def draw(leaf):
    size = (2 / max(1, np.prod(leaf.shape[:-1]))) ** 0.5
    return (size * random.normal(size=leaf.shape)).astype(np.float32)

  variables = jax.tree.map(draw, shapes)
  if 'batch_stats' in variables:
    variables['batch_stats'] = jax.tree.map(
      lambda x: 1 + np.abs(x), variables['batch_stats']
    )
  return model, variables


@pytest.fixture(scope='module')
def place(tmp_path_factory):
  """Weights of two networks, the names of classes, and a folder of images."""
  root = tmp_path_factory.mktemp('published')
  for section in (SMALL, SQUEEZENET):
    path = root / f'{section["name"]}.safetensors'
    weights.export(path, *made(section))
  encoder = models.resnet18({**TORCHVISION, **SMALL})
  _, variables = made(SMALL)
  del variables['params']['classifier']
  weights.export(root / 'encoder.safetensors', encoder, variables)
  (root / 'classes.txt').write_text('\n'.join(NAMES))
  (root / 'four.txt').write_text('\n'.join(NAMES[:4]) + '\n')
  (root / 'binary.txt').write_bytes(b'\xff\xfe\xff')
  random = np.random.default_rng(1)
  for i, name in enumerate(('dog', 'owl', 'owl')):
    folder = root / 'images' / name
    folder.mkdir(parents=True, exist_ok=True)
    pixels = random.integers(0, 256, (20 + i, 30, 3), np.uint8)
    Image.fromarray(pixels).save(folder / f'{i}.png')
  return root


def look(place, workdir, *more):
  fields = {
    'weights': place / 'resnet18.safetensors',
    'classes': place / 'classes.txt',
    'data.path': place / 'images',
    'data.shorter_side': SHORTER,
    'data.image_size': SIZE,
    **{f'model.{name}': value for name, value in SMALL.items()},
  }
  return command_line.main(
    [
      RECIPE,
      *(f'--config.{name}={value}' for name, value in fields.items()),
      *more,
      f'--workdir={workdir}',
    ]
  )


@pytest.fixture(scope='module')
def looked(place, tmp_path_factory):
  workdir = tmp_path_factory.mktemp('looks') / 'all'
  assert look(place, workdir, '--config.neighbours.k=2') == 0
  return workdir


def seen(place):
  """What the network makes of each file, without anything of the look."""
  model, variables = made(SMALL)
  images = []
  for i, name in enumerate(('dog', 'owl', 'owl')):
    with Image.open(place / 'images' / name / f'{i}.png') as image:
      width = round(SHORTER / (20 + i) * 30)
      image = image.resize((width, SHORTER), Image.Resampling.BILINEAR)
      left, top = (width - SIZE) // 2, (SHORTER - SIZE) // 2
      image = image.crop((left, top, left + SIZE, top + SIZE))
      images.append(np.asarray(image) / 255)
  x = (np.array(images) - weights.IMAGENET_MEAN) / weights.IMAGENET_STD
  logits, features = model.apply(
    variables, jnp.asarray(x, jnp.float32), train=False
  )
  return np.asarray(jax.nn.softmax(logits)), np.asarray(features['pooled'])


def test_what_is_said_is_what_the_published_network_says(place, looked):
  probabilities, embeddings = seen(place)
  found = json.loads((looked / 'numbers.json').read_text())
  assert found['run'] is None
  assert found['weights'] == str(place / 'resnet18.safetensors')
  for one, said in zip(found['top_k'], probabilities, strict=True):
    order = np.argsort(-said)
    assert one['classes'] == [KNOWN[i] for i in order]
    np.testing.assert_allclose(one['probabilities'], said[order], atol=1e-4)
  right = sum(probabilities.argmax(1) == [2, 4, 4])
  assert (found['mistakes']['right'], found['mistakes']['images']) == (right, 3)
  unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
  cosines = unit @ unit.T
  for i, one in enumerate(found['neighbours']):
    expected = np.sort(np.delete(cosines[i], i))[::-1]
    np.testing.assert_allclose(
      [x['cosine'] for x in one['neighbours']], expected, atol=1e-4
    )


def test_the_page_says_what_was_published_and_how_images_were_cut(looked):
  page = reader.text_of(looked / 'report.html')
  assert 'Published classifier' in page
  assert 'published with the weights; its probabilities are not cali' in page
  assert 'became 16 px; of that the network sees the middle 12 px' in page
  assert 'calibrated on' not in page
  for path in (looked / 'figures').iterdir():
    assert path.stat().st_size < 300_000


def test_grad_cam_of_a_classifier_is_that_of_its_own_logits(place):
  config = config_dict.create(
    weights=str(place / 'squeezenet1_1.safetensors'),
    classes=str(place / 'classes.txt'),
    model={'name': 'squeezenet1_1', 'stem': None, 'width': None},
    data={'image_size': None, 'shorter_side': None},
  )
  network = of_weights(config)
  assert (network.image_shape, network.shorter_side) == ((224, 224, 3), 256)
  _, variables = made(SQUEEZENET)
  pixels = np.random.default_rng(2).integers(0, 256, (2, 40, 40, 3), np.uint8)
  kernel, bias = (
    jnp.asarray(variables['params']['classifier'][name])
    for name in ('kernel', 'bias')
  )
  logits, features = network.apply(variables, network.normalize(pixels))
  # A class whose ReLU gives nothing has no slope anywhere.
  classes = np.asarray(logits.argmax(axis=1))
  maps = features['fire9']

  def score(maps):
    logits = jax.nn.relu(maps @ kernel[0, 0] + bias).mean(axis=(1, 2))
    return logits[jnp.arange(2), classes].sum()

  slopes = jax.grad(score)(maps).mean(axis=(1, 2))
  expected = jax.nn.relu((maps * slopes[:, None, None]).sum(axis=-1))
  expected = jax.image.resize(expected, (2, 40, 40), 'bilinear')
  found = network.grad_cam(pixels, 'fire9', classes)
  largest = float(expected.max())
  assert largest > 0, logits
  np.testing.assert_allclose(found, expected, atol=1e-4 * largest)


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    (['run=runs/a'], 'run=runs/a and weights={}/resnet18.safetensors are two'),
    (['weights=None'], 'run is not set; give the workdir of a finished run, as '
     '--config.run=runs/simclr, or published weights, as --config.weights='),
    (['weights={}/no.pth'], 'there is no file {}/no.pth with weights'),
    (['weights={}/classes.txt'], '{}/classes.txt cannot be read as weights'),
    (['weights={}/encoder.safetensors'], '{}/encoder.safetensors has no '
     'fc.bias, a part of the classifier of a ResNet; weights with one'),
    (['model.width=4'], 'does not fit the network; of another shape'),
    (['model.name=None'], 'model.name is not set; give the network'),
    (['model.name=resnet9'], "unknown model.name of published weights 'resnet9'"
     '; known: resnet18, resnet34, resnet50, squeezenet1_0, squeezenet1_1'),
    (['model.name=squeezenet1_1', 'model.stem=None'],
     'model.width=2 is nothing that squeezenet1_1 has; leave it out'),
    (['classes=None'], 'classes is not set; give a text file with a line for '
     'each of the 5 classes'),
    (['classes={}/no.txt'], 'classes: {}/no.txt cannot be read: No such file'),
    (['classes={}'], 'classes: {} cannot be read: Is a directory'),
    (['classes={}/binary.txt'], 'binary.txt cannot be read: it is no text'),
    (['classes={}/four.txt'], 'classes: {}/four.txt has 4 lines, and the '
     'classifier in {}/resnet18.safetensors has 5 classes'),
    (['data.image_size=17'], 'data.image_size must be 1 to 16 px'),
    (['data.image_size=0'], 'which is data.shorter_side; got 0'),
    (['data.path=None'], 'data.path is not set; give a folder'),
    (['report_split=test'], 'report_split=test is a part of the images of a'),
    (['feature=pooled'], "unknown feature 'pooled'; known: stage1"),
  ],
)  # fmt: skip
def test_what_cannot_be_is_one_line_and_nothing_written(
  place, tmp_path, capsys, fields, message
):
  more = [f'--config.{x}'.replace('{}', str(place)) for x in fields]
  assert look(place, tmp_path / 'run', *more) == 2
  err = capsys.readouterr().err
  assert err.count('\n') == 1
  assert message.replace('{}', str(place)) in err, err
  assert not (tmp_path / 'run').exists()
