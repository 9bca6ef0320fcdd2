import ml_collections
import pytest

from semisup_jax.optim import steps_from, warmup_steps_from
from semisup_jax.types import InputError


def schedule_of(**given):
  return {'steps': None, 'epochs': None, 'examples': None} | given


@pytest.mark.parametrize(
  ('given', 'steps'),
  [
    ({'steps': 600}, 600),
    ({'steps': 1}, 1),
    ({'epochs': 10}, 40),  # 4 x 10
    ({'epochs': 0.5}, 2),
    ({'epochs': 0.625}, 3),  # 2.5, half up
    ({'epochs': 0.6}, 2),  # 2.4
    ({'epochs': 0.001}, 1),  # never none
    ({'examples': 100}, 4),
    ({'examples': 112}, 4),  # 4.48
    ({'examples': 113}, 5),  # 4.52
    ({'examples': 1}, 1),
  ],
)
def test_durations_become_steps(given, steps):
  found = steps_from(schedule_of(**given), batch_size=25, dataset_size=100)
  assert found == steps
  assert type(found) is int


def test_epochs_count_examples_and_not_whole_batches():
  given = schedule_of(epochs=100)
  assert steps_from(given, batch_size=64, dataset_size=1000) == 1563


@pytest.mark.parametrize(
  ('given', 'steps'),
  [
    ({'steps': 600, 'warmup': 60}, 60),
    ({'steps': 600, 'warmup': 600}, 600),
    ({'steps': 600, 'warmup': 0}, 0),
    ({'steps': 600, 'warmup': None}, 0),
    ({'steps': 600}, 0),
    ({'epochs': 10, 'warmup': 2.5}, 10),
    ({'epochs': 10, 'warmup': 0.1}, 0),
    ({'examples': 1000, 'warmup': 113}, 5),
    ({'epochs': 0.001, 'warmup': 0.001}, 0),
  ],
)
def test_the_warmup_is_in_the_same_unit(given, steps):
  found = warmup_steps_from(
    schedule_of(**given), batch_size=25, dataset_size=100
  )
  assert found == steps


def test_absent_units_and_config_dicts_will_do():
  config = ml_collections.ConfigDict({'epochs': 2, 'warmup': 1})
  sizes = {'batch_size': 10, 'dataset_size': 100}
  assert steps_from(config, **sizes) == 20
  assert warmup_steps_from(config, **sizes) == 10


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (
      {'steps': 600, 'epochs': 10},
      'schedule: exactly one of steps, epochs, examples; got steps=600 and '
      'epochs=10 (unset one with --config.schedule.steps=None)',
    ),
    (
      {'steps': 6, 'epochs': 1, 'examples': 9},
      'schedule: exactly one of steps, epochs, examples; got steps=6 and '
      'epochs=1 and examples=9 (unset two with --config.schedule.steps=None '
      '--config.schedule.epochs=None)',
    ),
    (
      {},
      'schedule: exactly one of steps, epochs, examples; got none of them '
      '(set one, as in --config.schedule.epochs=10)',
    ),
    ({'steps': 0}, 'schedule.steps must be positive, got 0'),
    ({'epochs': -1.5}, 'schedule.epochs must be positive, got -1.5'),
    ({'epochs': float('nan')}, 'schedule.epochs must be a number, got nan'),
    ({'steps': 'many'}, "schedule.steps must be a number, got 'many'"),
    ({'steps': True}, 'schedule.steps must be a number, got True'),
  ],
)
@pytest.mark.parametrize('function', [steps_from, warmup_steps_from])
def test_what_is_wrong_is_said_in_one_line(function, given, message):
  with pytest.raises(InputError) as caught:
    function(schedule_of(**given), batch_size=25, dataset_size=100)
  assert str(caught.value) == message


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (
      {'epochs': 10, 'warmup': 11},
      'schedule.warmup must be from 0 to schedule.epochs=10, in epochs; got 11',
    ),
    (
      {'steps': 10, 'warmup': -1},
      'schedule.warmup must be from 0 to schedule.steps=10, in steps; got -1',
    ),
    (
      {'steps': 10, 'warmup': '5%'},
      "schedule.warmup must be a number, got '5%'",
    ),
  ],
)
def test_a_warmup_that_does_not_fit_is_refused(given, message):
  with pytest.raises(InputError) as caught:
    warmup_steps_from(schedule_of(**given), batch_size=25, dataset_size=100)
  assert str(caught.value) == message


@pytest.mark.parametrize(('batch_size', 'dataset_size'), [(0, 10), (10, 0)])
def test_empty_sizes_are_refused(batch_size, dataset_size):
  with pytest.raises(InputError, match='at least 1 example, got 0'):
    steps_from(
      schedule_of(epochs=1), batch_size=batch_size, dataset_size=dataset_size
    )
