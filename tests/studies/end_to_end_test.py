"""From a recipe to its page, by the command line, with real runs."""

import json

import pytest

from semisup_jax import command_line
from semisup_jax.studies import rows as rows_lib

RECIPE = """
from configs import untrained
from ml_collections import config_dict

def get_config():
  return config_dict.create(study='tiny', seeds=(0, 1), neighbours=3)

def sweep(config):
  point = untrained.get_config()
  point.model.name = 'pixels'
  point.evaluation.protocols = ('knn',)
  point.evaluation.labels_per_class = (1, 5)
  point.evaluation.draws = 2
  point.evaluation.knn.neighbours = config.neighbours
  for point.seed in config.seeds:
    yield {'model': point.model.name, 'seed': point.seed}, point
"""


@pytest.fixture
def launch(request, tmp_path, monkeypatch):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  (tmp_path / 'tiny.py').write_text(RECIPE)
  return lambda *more: command_line.main(
    [
      f'--config={tmp_path / "tiny.py"}',
      f'--workdir={tmp_path / "study"}',
      *more,
    ]
  )


def test_a_study_runs_in_parts_to_its_page(launch, tmp_path, capsys):
  workdir = tmp_path / 'study'
  assert launch('--points=2/2') == 0
  assert '1 of 2 points are finished' in capsys.readouterr().out
  assert not (workdir / 'page.md').exists()
  second = workdir / 'points' / 'model=pixels,seed=1'
  before = (second / 'results.json').stat().st_mtime_ns

  assert launch() == 0
  captured = capsys.readouterr()
  assert '2/2 model=pixels,seed=0' in captured.out
  assert not captured.err
  assert (second / 'results.json').stat().st_mtime_ns == before
  left = {path.name for path in second.iterdir()}
  assert left >= {'config.json', 'log.txt', 'results.json'}
  assert not left & {'figures', 'model.npz', 'report.html'}
  assert ' on digits: ' in (second / 'log.txt').read_text()

  rows = rows_lib.read(workdir / 'rows.jsonl')
  means = [row['rows'][0]['mean'] for row in rows]
  top1 = json.loads((workdir / 'results.json').read_text())['rows'][0]
  assert top1['mean'] == pytest.approx(sum(means) / 2)
  assert (top1['protocol'], top1['n'], top1['units']) == ('knn', 2, [0, 1])
  assert 'n = 2 seeds' in (workdir / 'page.md').read_text()

  assert launch('--config.neighbours=4') == 2
  error = capsys.readouterr().err
  assert 'neighbours is 3 there, 4 here' in error
  assert error.count('\n') == 1
