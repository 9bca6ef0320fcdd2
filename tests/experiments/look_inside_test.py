"""A look into a run's network: one page, and numbers that can be checked."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import semisup_jax
from semisup_jax import command_line, data
from semisup_jax.experiments import ingredients, origin, report

from ..reporting import reader

RECIPE = '--config=configs/visualize.py'
PARTS = (
  *('top_k', 'neighbours', 'filters', 'activations', 'saliency'),
  'mistakes',
)


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  """Random encoders: with a probe, without, raw pixels, several labels."""
  root = tmp_path_factory.mktemp('runs')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, '_draw_all', lambda *_: None)
    for name, fields in (
      ('probe', ['evaluation.protocols=linear_probe,', 'model.width=8']),
      ('knn', ['evaluation.protocols=knn,', 'model.width=8']),
      ('pixels', ['evaluation.protocols=linear_probe,', 'model.name=pixels']),
      (
        'scenes',
        [
          'evaluation.protocols=linear_probe,',
          'data.name=digit_scenes',
          'model.strides=2,2',
          'model.width=8',
        ],
      ),
    ):
      status = command_line.main(
        [
          '--config=configs/untrained.py',
          '--config.evaluation.labels_per_class=5',
          '--config.evaluation.draws=1',
          '--config.evaluation.protocols_for_all=linear_probe,knn',
          *(f'--config.{field}' for field in fields),
          f'--workdir={root / name}',
        ]
      )
      assert status == 0
  return root


@pytest.fixture(scope='module')
def digits():
  """uint8 [N, 8, 8, 1], and their classes."""
  part = data.read({'name': 'digits', 'image_size': None, 'classes': None})
  return part['train'].images, part['train'].labels


def look(run, workdir, *more):
  return command_line.main(
    [RECIPE, f'--config.run={run}', f'--workdir={workdir}', *more]
  )


def numbers(workdir):
  return json.loads((workdir / 'numbers.json').read_text())


def words(text):
  return ' '.join(text.split())


@pytest.fixture(scope='module')
def own(runs, tmp_path_factory):
  """A look with the run's own images, every part of it."""
  workdir = tmp_path_factory.mktemp('looks') / 'own'
  assert look(runs / 'probe', workdir, '--config.images=3') == 0
  return workdir


def test_a_look_at_the_runs_own_images_is_of_the_run(runs, own):
  results = json.loads((runs / 'probe' / 'results.json').read_text())
  found = numbers(own)
  mistakes = found['mistakes']
  right, images = mistakes['right'], mistakes['images']
  assert images == found['n'] == results['run']['counts']['test'] == 449
  assert right / images == pytest.approx(results['rows'][0]['mean'])
  assert len(mistakes['wrong']) == images - right > 12
  page = reader.text_of(own / 'report.html')
  assert f'{images - right} of 449 images are given a wrong class' in page
  assert 'the test part of digits: 449 images' in page
  assert 'Of these the 12 most certain first' in page
  figures = {path.stem for path in (own / 'figures').iterdir()}
  assert figures == {*PARTS, *(f'{name}-dark' for name in PARTS)}
  for path in (own / 'figures').iterdir():
    assert path.stat().st_size < 300_000


def test_what_is_said_is_what_the_loaded_model_says(runs, own):
  learned = semisup_jax.load(runs / 'probe')
  found = numbers(own)
  with np.load(own / 'arrays.npz', allow_pickle=False) as arrays:
    pixels = arrays['images']
    filters, occlusion = arrays['filters'], arrays['occlusion']
    before, after = arrays['before_relu'], arrays['after_relu']
    grad_cam = arrays['grad_cam']
  probabilities = learned.classify(pixels)
  for one, said in zip(found['top_k'], probabilities, strict=True):
    order = np.argsort(-said)[:5]
    assert one['classes'] == [learned.class_names[i] for i in order]
    np.testing.assert_allclose(one['probabilities'], said[order], atol=1e-5)
  kernel = learned.variables['params']['stem_conv']['kernel']
  np.testing.assert_array_equal(filters, kernel)
  np.testing.assert_array_equal(np.maximum(before, 0), after)
  assert after.shape == (8, 8, 8)
  assert occlusion.shape == grad_cam.shape == (3, 8, 8)
  section = found['saliency']
  assert (section['patch'], section['stride']) == (2, 1)
  assert section['feature'] == 'stage2'


def test_mistakes_and_neighbours_are_those_of_the_images(runs, own):
  config = origin.config_of(_config(runs / 'probe'))
  splits = ingredients.divide(config, data.load(config.data))
  learned = semisup_jax.load(runs / 'probe')
  said = learned.classify(splits.test.images)
  sure = {}
  for row, (own_said, label) in enumerate(
    zip(said, splits.test.labels, strict=True)
  ):
    if own_said.argmax() != label:
      sure[f'test {row}'] = own_said.max()
  found = numbers(own)
  names = [one['name'] for one in found['mistakes']['wrong']]
  assert names == sorted(sure, key=lambda name: -sure[name])
  bank = learned.embed(splits.train.images[splits.known]).astype(np.float64)
  for one in found['neighbours']:
    row = int(one['name'].split()[1])
    query = learned.embed(splits.test.images[[row]])[0].astype(np.float64)
    cosines = [x @ query / np.sqrt((x @ x) * (query @ query)) for x in bank]
    nearest = np.sort(cosines)[::-1][:5]
    np.testing.assert_allclose(
      [x['cosine'] for x in one['neighbours']], nearest, atol=1e-5
    )
    for x in one['neighbours']:
      label = splits.train.labels[int(x['name'].split()[1])]
      assert x['truth'] == str(label)


def _config(run):
  from ml_collections import config_dict

  return config_dict.create(run=str(run))


@pytest.fixture(scope='module')
def folders(digits, runs, tmp_path_factory):
  """Images in class folders, flat with a table, flat without, and one."""
  root = tmp_path_factory.mktemp('folders')
  learned = semisup_jax.load(runs / 'probe')
  images, labels = (part[:40] for part in digits)
  right = learned.classify(images).argmax(1) == labels
  rows = ['file,label']
  for i, (image, label) in enumerate(zip(images, labels, strict=True)):
    picture = Image.fromarray(image[..., 0])
    (root / 'classes' / str(label)).mkdir(parents=True, exist_ok=True)
    picture.save(root / 'classes' / str(label) / f'{i}.png')
    for name in ('table', 'flat', *['right'] * bool(right[i])):
      (root / name).mkdir(exist_ok=True)
      picture.save(root / name / f'{i}.png')
    if right[i]:
      rows.append(f'{i}.png,{label}')
  (root / 'right' / 'labels.csv').write_text('\n'.join(rows))
  table = 'file,label\n0.png,nine\n1.png,1\n'
  (root / 'table' / 'labels.csv').write_text(table)
  (root / 'one').mkdir()
  picture.save(root / 'one' / 'only.png')
  return root


def test_class_folders_say_what_is_wrong(runs, folders, digits, tmp_path):
  workdir = tmp_path / 'run'
  shown = '--config.show=mistakes,neighbours'
  path = f'--config.data.path={folders / "classes"}'
  assert look(runs / 'probe', workdir, path, shown) == 0
  learned = semisup_jax.load(runs / 'probe')
  images, labels = (part[:40] for part in digits)
  right = int((learned.classify(images).argmax(1) == labels).sum())
  found = numbers(workdir)
  mistakes = found['mistakes']
  assert (mistakes['right'], mistakes['images']) == (
    right,
    40,
  )
  for one in found['neighbours']:
    assert one['name'] not in [x['name'] for x in one['neighbours']]
  page = reader.text_of(workdir / 'report.html')
  assert 'The class of 40 images is the name of the folder' in page
  assert 'it has learned from, the accuracy is too good' in page
  assert 'The most probable classes' not in page
  # The same command makes it anew.
  assert look(runs / 'probe', workdir, path, shown) == 0


def test_where_nothing_is_wrong_it_says_so(runs, folders, tmp_path, capsys):
  workdir = tmp_path / 'run'
  path = f'--config.data.path={folders / "right"}'
  assert look(runs / 'probe', workdir, path, '--config.show=mistakes,') == 0
  said = words(capsys.readouterr().out)
  count = numbers(workdir)['mistakes']['images']
  assert f'None of {count} images are given a wrong class: accuracy 100' in said
  assert f'No wrong prediction is shown: all {count} are right.' in said
  assert not (workdir / 'figures').exists()


def test_what_has_nothing_to_show_is_left_out_and_said_to_be(
  runs, folders, tmp_path, capsys
):
  workdir = tmp_path / 'run'
  path = f'--config.data.path={folders / "one"}'
  shown = '--config.show=top_k,mistakes,neighbours'
  assert look(runs / 'probe', workdir, path, shown, '--config.k=99') == 0
  said = words(capsys.readouterr().out)
  assert '1 image: the folder' in said
  assert 'Neighbours are left out: there is one image' in said
  assert 'Wrong predictions are left out: the class of no image' in said
  assert len(numbers(workdir)['top_k'][0]['classes']) == 10
  page = reader.text_of(workdir / 'report.html')
  assert 'What is left out' in page
  path = f'--config.data.path={folders / "table"}'
  shown = '--config.show=mistakes,'
  assert look(runs / 'probe', tmp_path / 'table', path, shown) == 0
  said = words(capsys.readouterr().out)
  assert "1 class(es), as 'nine', are none of the classifier's" in said
  assert 'The class of 39 of these is not known.' in said


def test_an_encoder_without_a_classifier_shows_the_rest(runs, tmp_path):
  workdir = tmp_path / 'run'
  shown = '--config.show=neighbours,filters,activations'
  among = ('--config.neighbours.among=50', '--config.images=1')
  feature = '--config.feature=stage1'
  assert look(runs / 'knn', workdir, shown, feature, *among) == 0
  found = numbers(workdir)
  assert found['activations']['feature'] == 'stage1'
  page = reader.text_of(workdir / 'report.html')
  assert 'Neighbours are looked for among 50 images, drawn from the' in page
  with np.load(workdir / 'arrays.npz', allow_pickle=False) as arrays:
    assert set(arrays) == {'filters', 'before_relu', 'after_relu'}


def test_of_several_labels_none_is_wrong(runs, tmp_path, capsys):
  workdir = tmp_path / 'run'
  shown = '--config.show=top_k,neighbours,saliency,mistakes'
  assert look(runs / 'scenes', workdir, shown, '--config.images=2') == 0
  said = words(capsys.readouterr().out)
  assert 'Wrong predictions are left out: an image has any number' in said
  found = numbers(workdir)
  assert found['mistakes'] is None
  assert all(one['truth'] for one in found['neighbours'])
  page = reader.text_of(workdir / 'report.html')
  assert '5 of 10, with their probabilities; each by itself.' in page


def test_images_that_are_others_now_are_not_looked_at(runs, tmp_path, capsys):
  shutil.copytree(runs / 'probe', tmp_path / 'run')
  path = tmp_path / 'run' / 'config.json'
  text = path.read_text().replace('"image_size": null', '"image_size": 16')
  path.write_text(text)
  assert look(tmp_path / 'run', tmp_path / 'look') == 2
  err = capsys.readouterr().err
  assert 'digits has other images now than those that' in err
  assert err.count('\n') == 1
  assert not (tmp_path / 'look').exists()


@pytest.mark.parametrize(
  ('run', 'arguments', 'message'),
  [
    ('gone', [], 'there is no folder'),
    ('probe', ['feature=stem1'], "unknown feature 'stem1'; known: stage1, st"),
    ('probe', ['saliency.feature=pooled'], "unknown feature 'pooled'; known"),
    ('probe', ['k=0'], 'k must be at least 1, got 0'),
    ('probe', ['images=0'], 'images must be at least 1, got 0'),
    ('probe', ['mistakes=-1'], 'mistakes must be at least 1, got -1'),
    ('probe', ['neighbours.k=0'], 'neighbours.k must be at least 1, got 0'),
    ('probe', ['seed=-1'], 'seed must be at least 0, got -1'),
    ('probe', ['saliency.patch=9'], 'saliency.patch must be 1 to 8 pixels'),
    ('probe', ['saliency.stride=0'], 'saliency.stride must be at least 1'),
    ('probe', ['show=filters,maps'], "unknown part in show 'maps'; known"),
    ('probe', ['report_split=train'], "unknown report_split 'train'; known"),
    ('probe', ['data.path=nowhere'], 'data.path: there is no nowhere'),
    (
      'probe',
      ['data.path=.', 'report_split=test'],
      'report_split=test is a part of the images of a run; leave it out',
    ),
    ('probe', ['model.width=3'], 'model.width=3 is not that of the run in'),
    ('probe', ['classes=x.txt'], 'classes=x.txt goes with weights; a run has'),
    ('probe', ['data.image_size=9'], 'data.image_size=9 goes with weights'),
    ('probe', ['weights=x.pth'], 'and weights=x.pth are two networks; give'),
    (
      'knn',
      [],
      'has fitted no classifier to its embeddings; run its recipe with '
      'linear_probe among --config.evaluation.protocols; what can be shown is '
      '--config.show=neighbours,filters,activations,',
    ),
    (
      'pixels',
      [],
      'pixels has no convolution; pixels has no feature that is a map; what '
      'can be shown is --config.show=top_k,neighbours,mistakes,',
    ),
  ],
)
def test_what_cannot_be_shown_is_one_line(
  runs, tmp_path, capsys, run, arguments, message
):
  workdir = tmp_path / 'run'
  fields = [f'--config.{argument}' for argument in arguments]
  assert look(runs / run, workdir, *fields) == 2
  err = capsys.readouterr().err
  assert (err.count('\n'), message in err) == (1, True), err
  assert not workdir.exists()


def test_without_a_run_or_in_its_folder(runs, tmp_path, capsys):
  assert command_line.main([RECIPE, f'--workdir={tmp_path / "run"}']) == 2
  assert 'run is not set; give the workdir' in capsys.readouterr().err
  assert look(runs / 'probe', runs / 'probe') == 2
  assert 'holds a run of another config' in capsys.readouterr().err
