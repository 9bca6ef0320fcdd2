"""Runs that begin with published weights, and one line where they cannot."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rich.console

import semisup_jax
from configs import data_sets, evaluate, supervised, transfer, untrained
from semisup_jax import command_line, experiments, models, weights
from semisup_jax.experiments import report

MODEL = {
  'name': 'resnet18',
  'stem': 'cifar',
  'width': 2,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
SQUEEZENET = '--config.model.name=squeezenet1_1'


def random_variables(encoder):
  """Of an encoder of the digits, which somebody else has trained."""
  image = jax.ShapeDtypeStruct((1, 8, 8, 1), jnp.float32)
  shapes = jax.eval_shape(
    lambda x: encoder.init(jax.random.key(0), x, train=False), image
  )
  random = np.random.default_rng(0)
  lowest = {'params': -0.5, 'batch_stats': 0.5}  # A variance is positive.
  return {
    name: jax.tree.map(
      lambda x, low=lowest[name]: random.uniform(low, low + 1, x.shape).astype(
        np.float32
      ),
      tree,
    )
    for name, tree in shapes.items()
  }


@pytest.fixture(scope='module')
def published(tmp_path_factory):
  """Gives a file of weights for a network, and what is in it."""
  folder = tmp_path_factory.mktemp('files')

  def published(name):
    encoder = models.make_encoder({**MODEL, 'name': name})
    variables = random_variables(encoder)
    weights.export(folder / f'{name}.safetensors', encoder, variables)
    return folder / f'{name}.safetensors', variables

  return published


def run(config, file, folder):
  config.weights = str(file)
  config.model = {**MODEL, 'name': file.stem}
  config.evaluation.protocols = ('knn',)
  config.evaluation.labels_per_class = ('all',)
  console = rich.console.Console(quiet=True)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, '_draw_all', lambda *_: None)
    return experiments.run(
      config, folder, console=console, command='', started=0.0
    )


def test_published_weights_are_judged_as_they_are_and_exported_again(
  published, tmp_path
):
  file, variables = published('resnet18')
  results = run(untrained.get_config(), file, tmp_path / 'run')
  assert results['method'] == 'published_encoder'
  said = f'The encoder begins with the weights in {file}.'
  assert said in results['notes']
  assert said in (tmp_path / 'run' / 'report.html').read_text()
  learned = semisup_jax.load(tmp_path / 'run')
  jax.tree.map(
    np.testing.assert_array_equal, dict(learned.variables), variables
  )
  learned.export(tmp_path / 'again.safetensors')
  first, again = (
    weights.read(path) for path in (file, tmp_path / 'again.safetensors')
  )
  assert first.keys() == again.keys()
  jax.tree.map(np.testing.assert_array_equal, first, again)


def test_training_goes_on_from_published_weights(published, tmp_path):
  file, variables = published('resnet18')
  config = supervised.get_config()
  config.batch_size = 16
  config.optimizer.update(learning_rate=1e-9, weight_decay=0.0)
  config.schedule = data_sets.schedule(steps=1)
  config.evaluation.every = 1
  results = run(config, file, tmp_path / 'run')
  assert any(f'weights in {file}' in note for note in results['notes'])
  learned = semisup_jax.load(tmp_path / 'run').variables
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
    learned['params'],
    variables['params'],
  )
  # The statistics go on from those in the file, a tenth of the way.
  for tree in (learned, variables):
    tree.pop('params')
  for a, b in zip(*map(jax.tree.leaves, (learned, variables)), strict=True):
    assert not np.array_equal(a, b)


def test_what_is_learned_from_another_data_set_begins_so_too(published):
  file, variables = published('squeezenet1_1')
  config = transfer.get_config()
  config.weights, config.model.name = str(file), 'squeezenet1_1'
  ingredients, _ = experiments.prepare(config)
  jax.tree.map(np.testing.assert_array_equal, ingredients.published, variables)


def test_a_run_of_before_there_was_the_field_is_found_finished(tmp_path):
  config = untrained.get_config()
  config.model.name = 'pixels'
  config.evaluation.protocols = ('knn',)
  config.evaluation.labels_per_class = ('all',)

  def again(config):
    console = rich.console.Console(quiet=True)
    return experiments.run(
      config,
      tmp_path / 'run',
      console=console,
      command='',
      started=0.0,
      pages=False,
    )

  results = again(config)
  path = tmp_path / 'run' / 'config.json'
  written = json.loads(path.read_text())
  del written['config']['weights']
  path.write_text(json.dumps(written))
  assert again(config)['rows'] == json.loads(json.dumps(results['rows']))


def test_the_encoder_of_a_run_is_that_of_the_run():
  assert 'weights' not in evaluate.get_config()


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      ['--config.weights={}/resnet18.safetensors'],
      'published weights are of a ResNet or a SqueezeNet, as '
      'model.name=resnet18; the network is a ConvNet\n',
    ),
    (
      ['--config.weights={}/resnet18.safetensors', SQUEEZENET],
      '{}/resnet18.safetensors does not fit the network; it lacks: ',
    ),
    (
      ['--config.weights={}/no.pth', SQUEEZENET],
      'there is no file {}/no.pth with weights\n',
    ),
    (
      ['--config.weights={}', SQUEEZENET],
      'there is no file {} with weights\n',
    ),
    (
      ['--config.weights=setup.cfg', SQUEEZENET],
      'setup.cfg cannot be read as weights: it is none of torch.save, '
      '.safetensors or .npz\n',
    ),
  ],
)
@pytest.mark.parametrize('recipe', ['untrained', 'byol', 'self_training'])
def test_what_cannot_be_is_one_line_status_2_and_nothing_written(
  published,
  tmp_path,
  capsys,
  monkeypatch,
  request,
  recipe,
  arguments,
  message,
):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  place = str(published('resnet18')[0].parent)
  arguments = [argument.replace('{}', place) for argument in arguments]
  workdir = tmp_path / 'run'
  status = command_line.main(
    [f'--config=configs/{recipe}.py', *arguments, f'--workdir={workdir}']
  )
  out, err = capsys.readouterr()
  assert status == 2
  assert err.startswith('error: ' + message.replace('{}', place))
  assert err.count('\n') == 1
  assert 'Traceback' not in out + err
  assert not workdir.exists()
