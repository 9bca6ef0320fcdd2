"""What a run says of a folder of images: a table, embeddings and a page."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import semisup_jax
from semisup_jax import command_line
from semisup_jax.experiments import report

RECIPE = '--config=configs/predict.py'
COLORS = {'ant, red': (200, 40, 40), 'bee': (40, 200, 40), 'cat': (40, 40, 200)}


def colored(name, random):
  noise = random.normal(0, 45, (8, 8, 3))
  return np.clip(np.array(COLORS[name]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
  """A flat folder, of which a table names half."""
  root = tmp_path_factory.mktemp('images')
  random = np.random.default_rng(0)
  rows = [['file', 'label']]
  for i in range(60):
    name = list(COLORS)[i % 3]
    Image.fromarray(colored(name, random)).save(root / f'{i:02}, x.png')
    if i < 30:
      rows.append([f'{i:02}, x.png', name])
  with (root / 'labels.csv').open('w', newline='') as file:
    csv.writer(file).writerows(rows)
  return root


@pytest.fixture(scope='module')
def runs(images, tmp_path_factory):
  """Random encoders, with a probe and without one."""
  root = tmp_path_factory.mktemp('runs')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, '_draw_all', lambda *_: None)
    for name, protocol in (('probe', 'linear_probe'), ('knn', 'knn')):
      status = command_line.main(
        [
          '--config=configs/untrained.py:folder',
          f'--config.data.path={images}',
          '--config.data.image_size=8',
          '--config.model.width=8',
          f'--config.evaluation.protocols={protocol},',
          f'--workdir={root / name}',
        ]
      )
      assert status == 0
  return root


def predict(run, folder, workdir, *more):
  return command_line.main(
    [
      RECIPE,
      f'--config.run={run}',
      f'--config.data.path={folder}',
      f'--workdir={workdir}',
      *more,
    ]
  )


def table(workdir):
  with (workdir / 'predictions.csv').open(newline='') as file:
    return list(csv.DictReader(file))


def wilson(right, of, z=1.959963984540054):
  """Wilson 1927, in closed form."""
  p, n = right / of, of
  middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
  half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
  return middle - half, middle + half


def test_predictions_are_those_of_the_loaded_model(
  images, runs, tmp_path, capsys
):
  workdir = tmp_path / 'run'
  assert predict(runs / 'probe', images, workdir) == 0
  learned = semisup_jax.load(runs / 'probe')
  files = sorted(path.name for path in images.glob('*.png'))
  pixels = np.stack([np.asarray(Image.open(images / name)) for name in files])
  probabilities = learned.classify(pixels)
  found = table(workdir)
  assert [row['file'] for row in found] == files
  names = np.array(learned.class_names)
  for row, said in zip(found, probabilities, strict=True):
    order = np.argsort(-said)
    assert [row['class'], row['class_2'], row['class_3']] == [*names[order]]
    numbers = [row[f'probability{rank}'] for rank in ('', '_2', '_3')]
    np.testing.assert_allclose([*map(float, numbers)], said[order], atol=1e-4)
  assert [row['label'] for row in found[29:31]] == ['cat', '']
  with np.load(workdir / 'embeddings.npz', allow_pickle=False) as kept:
    assert kept['files'].tolist() == files
    np.testing.assert_allclose(
      kept['embeddings'], learned.embed(pixels), atol=1e-5
    )
  truth = [list(COLORS)[i % 3] for i in range(60)]
  right = [row['class'] == t for row, t in zip(found, truth, strict=True)]
  assert np.mean(right[30:]) > 0.8
  out = ' '.join(capsys.readouterr().out.split())
  page = (workdir / 'report.html').read_text().replace('&nbsp;', ' ')
  page = ' '.join(page.split())
  results = json.loads((runs / 'probe' / 'results.json').read_text())
  share, tested = results['rows'][0]['mean'], results['run']['counts']['test']
  low, high = wilson(round(share * tested), tested)
  likely = (
    f'30 predictions, of which {100 * share:.1f} % are likely right (95 % '
    f'interval {100 * low:.1f} to {100 * high:.1f} %, measured on {tested} '
  )
  assert likely in page
  assert likely in out
  kept = {path.stem for path in (workdir / 'figures').iterdir()}
  both = ('certainty', 'confidence')
  assert kept == {*both, *(f'{name}-dark' for name in both)}


def test_odd_images_are_read_as_a_run_reads_them(
  images, runs, tmp_path, capsys
):
  folder = tmp_path / 'odd'
  (folder / 'a' / 'b').mkdir(parents=True)
  whole = (images / '03, x.png').read_bytes()
  (folder / 'a' / 'b' / 'red.png').write_bytes(whole)
  (folder / 'cut.png').write_bytes(whole[:80])
  # A name that is no text.
  (folder / os.fsdecode(b'\xff.png')).write_bytes(whole)
  Image.new('L', (20, 11), 90).save(folder / 'grey.tif')
  Image.fromarray(np.asarray(Image.open(images / '04, x.png'))).resize(
    (64, 64), Image.Resampling.NEAREST
  ).save(folder / 'green.bmp')
  workdir = tmp_path / 'run'
  assert predict(runs / 'probe', folder, workdir) == 2
  assert 'is no UTF-8' in capsys.readouterr().err
  assert not workdir.exists()
  skip = '--config.data.skip_unreadable=True'
  assert predict(runs / 'probe', folder, workdir, skip) == 0
  found = {row['file']: row for row in table(workdir)}
  assert set(found) == {'a/b/red.png', 'green.bmp', 'grey.tif'}
  assert found['a/b/red.png']['class'] == 'ant, red'
  assert found['green.bmp']['class'] == 'bee'
  page = (workdir / 'report.html').read_text()
  assert 'cut.png cannot be decoded' in page
  assert '3 predictions' in page
  # Files may have changed: the same command makes it all anew.
  (folder / 'a' / 'b' / 'red.png').unlink()
  assert predict(runs / 'probe', folder, workdir, skip) == 0
  assert len(table(workdir)) == 2


@pytest.mark.parametrize(
  ('run', 'folder', 'message'),
  [
    ('gone', '{images}', 'there is no folder'),
    ('knn', '{images}', 'has fitted no classifier to its embeddings'),
    ('probe', 'nowhere', 'data.path: there is no nowhere'),
    ('probe', '{runs}/knn/figures', 'has no image file'),
    ('probe', '{runs}/knn/model.json', 'data.path must be a folder'),
    ('broken', '{images}', 'results.json is damaged'),
  ],
)
def test_what_cannot_be_predicted_is_one_line(
  images, runs, tmp_path, capsys, run, folder, message
):
  (runs / 'knn' / 'figures').mkdir(exist_ok=True)
  if run == 'broken':
    shutil.copytree(runs / 'probe', runs / run)
    (runs / run / 'results.json').write_text('{"rows": 3}')
  workdir = tmp_path / 'run'
  folder = folder.format(images=images, runs=runs)
  assert predict(runs / run, folder, workdir) == 2
  err = capsys.readouterr().err
  assert (err.count('\n'), message in err) == (1, True), err
  assert not workdir.exists()


def test_without_a_run_or_in_the_folder_of_another(
  images, runs, tmp_path, capsys
):
  workdir = f'--workdir={tmp_path / "run"}'
  assert command_line.main([RECIPE, workdir]) == 2
  assert 'run is not set; give the workdir' in capsys.readouterr().err
  assert predict(runs / 'probe', images, runs / 'probe') == 2
  assert 'holds a run of another config' in capsys.readouterr().err
