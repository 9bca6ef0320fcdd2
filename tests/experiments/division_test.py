"""A batch that is divided: into micro-batches, and into groups."""

import signal

import pytest
from ml_collections import config_dict

from semisup_jax import command_line, training
from semisup_jax.experiments import division
from semisup_jax.training import accumulation
from semisup_jax.types import InputError


def section(batch_size, **optimizer):
  return config_dict.create(
    batch_size=batch_size,
    optimizer=config_dict.create(name='sgd', **optimizer),
  )


@pytest.mark.parametrize(
  ('batch_size', 'accumulate', 'groups'),
  [(2, 1, 1), (3, 1, 1), (24, 3, 4), (16, 8, 1), (16, 1, 8)],
)
def test_parts_of_two_images_and_more_are_right(batch_size, accumulate, groups):
  division.check(section(batch_size, accumulate=accumulate), groups)


@pytest.mark.parametrize(
  ('batch_size', 'accumulate', 'groups', 'message'),
  [
    (1, 1, 1, 'batch_size must be at least 2, got 1'),
    (24, 3, 5, 'accumulate=3 x model.batch_norm_groups=5 .*; use 30 or 45'),
    (24, 24, 1, 'optimizer.accumulate=24 parts .*; use 48 or 72'),
    (24, 1, 16, 'model.batch_norm_groups=16 parts .*; use 32 or 48'),
    (24, True, 1, 'accumulate must be a whole number, at least 1; got True'),
    (24, '2', 1, "at least 1; got '2'"),
  ],
)
def test_what_cannot_be_divided_is_refused(
  batch_size, accumulate, groups, message
):
  with pytest.raises(InputError, match=message):
    division.check(section(batch_size, accumulate=accumulate), groups)


def test_a_recipe_that_does_not_say_is_refused():
  with pytest.raises(InputError, match=r'sgd needs optimizer\.accumulate'):
    division.check(section(24), 1)


def test_a_run_learns_from_the_micro_batches_of_its_config(
  request, tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  sizes = set()
  at_once = accumulation._at_once

  def look(state, batch, key, method):
    sizes.add(len(batch['labelled']['image']))
    return at_once(state, batch, key, method)

  def fit(state, *, train_step, batch, **others):
    train_step.trace(state, batch(0))
    raise training.Interrupted(signal.SIGINT)

  monkeypatch.setattr(accumulation, '_at_once', look)
  monkeypatch.setattr(training, 'fit', fit)
  status = command_line.main(
    [
      '--config=configs/supervised.py',
      f'--workdir={tmp_path / "run"}',
      '--config.batch_size=24',
      '--config.optimizer.accumulate=2',
      '--config.model.batch_norm_groups=3',
      '--config.model.remat=True',
      '--config.model.width=4',
    ]
  )
  assert status == 130  # As if it had been stopped.
  assert sizes == {12}
  plan = ' '.join(capsys.readouterr().out.split())
  assert '800 steps of 24 labelled images, in 2 micro-batches, on ' in plan
