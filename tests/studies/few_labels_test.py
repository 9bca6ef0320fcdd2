"""The study of few labels and mixing: its page from rows made here."""

import sys

import numpy as np
import pytest
from rich.console import Console

from configs.studies import few_labels as recipe
from semisup_jax import studies
from semisup_jax.studies import few_labels
from semisup_jax.studies.few_labels import findings, tables
from semisup_jax.studies.few_labels.measured import (
  EPOCHS,
  PLAIN,
  SAME,
  SIMCLR,
  SOURCE,
  Arm,
  Measured,
)

KS = (1, 8, 64)
# On the target: what mixing adds at each k, over no mixing.
GAINS = {
  'plain': (0, 0, 0),
  'mixup': (0.12, 0.06, 0),
  'collage': (0.14, 0.03, 0),
}


def top1(protocol, k, value):
  return {
    'protocol': protocol,
    'labels_per_class': k,
    'metric': 'top1',
    'mean': value,
  }


def point(arm, source, equal, seed, on_target, on_source=()):
  """`on_target` and `on_source` by labels a class."""
  factors = {'arm': arm, 'source': source, 'equal': equal, 'seed': seed}
  return {
    'point': '-'.join(map(str, factors.values())),
    'factors': factors,
    'method': 'supervised',
    'seconds': 30.0,
    'hardware': 'abacus',
    'rows': [top1('linear_probe', k, v) for k, v in on_target],
    'tables': {'source': [top1('source', k, v) for k, v in on_source]},
  }


def made(seeds=5):
  rows = []
  for seed in range(seeds):
    level = 0.5 + 0.01 * seed
    for i, (arm, gains) in enumerate(GAINS.items()):
      # Seeds differ in the gain too, by a point at most.
      shake = 0 if arm == 'plain' else 0.002 * ((seed * (i + 1)) % 5 - 2)
      on_target = [
        (k, level + 0.1 * j + gain + shake)
        for j, (k, gain) in enumerate(zip(KS, gains, strict=True))
      ]
      on_source = [(k, 0.3 + 0.2 * j - gains[j]) for j, k in enumerate(KS)]
      rows.append(point(arm, 'other', 'updates', seed, on_target, on_source))
    same = [(k, level + 0.1 * j + 0.05) for j, k in enumerate(KS)]
    rows.append(point('plain', 'same', 'updates', seed, same))
    epochs = [(k, level + 0.1 * j - 0.02) for j, k in enumerate(KS)]
    rows.append(point('plain', 'other', 'epochs', seed, epochs))
    rows.append(point('random', 'none', 'updates', seed, [('all', 0.55)]))
    rows.append(point('simclr', 'other', 'updates', seed, [('all', 0.8)]))
  return rows


@pytest.fixture(scope='module')
def measured():
  return Measured(made())


def write(rows, folder, variant='letters'):
  config = recipe.get_config(variant)
  few_labels.write_page(config, rows, folder, Console(quiet=True))
  return (folder / 'page.md').read_text()


def cells(text, start, which=0):
  """The cells of a table line that starts so."""
  found = [x for x in text.splitlines() if x.startswith(f'| {start} |')]
  return [cell.strip() for cell in found[which].strip('|').split('|')][1:]


def test_a_control_has_its_number_at_every_k(measured):
  assert measured.ks == [1, 8, 64]
  assert [row['mean'] for row in measured.curve(SIMCLR)] == [0.8] * 3
  assert [row['n'] for row in measured.curve(SIMCLR)] == [5] * 3
  differences = measured.differences(PLAIN, SIMCLR)
  np.testing.assert_allclose(
    [row['mean'] for row in differences], [-0.28, -0.18, -0.08]
  )


def test_differences_are_paired_by_seed(measured):
  """Seeds are 4 points apart, and the gain varies by less than one."""
  (first, *_) = measured.differences(Arm('mixup'), PLAIN)
  assert first['mean'] == pytest.approx(0.12)
  assert first['high'] - first['low'] < 0.02
  on_source = measured.differences(Arm('mixup'), PLAIN, SOURCE)
  np.testing.assert_allclose(
    [row['mean'] for row in on_source], [-0.12, -0.06, 0], atol=1e-12
  )
  assert measured.differences(Arm('cutmix'), PLAIN) == []


def test_sentences_say_where_which_is_better(measured):
  said = findings.which_is_better(measured)
  assert said[0].startswith(
    'Collage beats MixUp at k = 1 by 2.0 points (95 % interval 1.4 to 2.6); '
    'MixUp beats collage at k = 8 by 3.0 points (95 % interval '
  )
  assert said[0].endswith('; they cannot be told apart at k = 64.')
  assert 'by +12.0 and -12.0 at k = 1, +6.0 and -6.0 at k = 8' in said[1]
  assert 'at k = 1 and 8 it helps the features and costs the class' in said[1]
  said, images = findings.same_or_other(measured)
  assert said.startswith('Learning from the target itself beats learning from')
  assert 'at k = 1 by 5.0 points (95 % interval 5.0 to 5.0), at k = 8 by' in (
    said
  )
  assert 'more images' in images


def test_features_are_not_credited_with_what_may_be_chance(monkeypatch):
  monkeypatch.setitem(GAINS, 'mixup', (0.0005, 0.0005, -0.0005))
  _, why, _ = findings.which_is_better(Measured(made()))
  assert why.startswith('In points, MixUp changes accuracy')
  assert 'helps the features' not in why


def test_the_shape_is_compared_with_the_published_one(measured):
  mixup, collage, plain = findings.shape(measured, comparable=True)
  for text in (mixup, collage):
    assert text.endswith('the largest gain of all: the shape agrees.')
  assert 'here +12.0 points at k = 1' in mixup
  assert 'from 52.0 % at k = 1 to 72.0 % at k = 64 (published: about 50 %' in (
    plain
  )
  alone = findings.shape(measured, comparable=False)
  assert 'ublished' not in ' '.join(alone)


@pytest.mark.parametrize(
  ('gains', 'said'),
  [
    ((0.01, 0.06, 0), 'and most, +6.0, at k = 8: the shape does not agree.'),
    ((-0.04, -0.06, -0.01), 'most, -1.0, at k = 64: the shape does not agree.'),
    ((0.001, 0, -0.01), 'the largest of all, but it may be none.'),
  ],
)
def test_a_shape_that_is_another_or_unsure_is_said_to_be(
  gains, said, monkeypatch
):
  monkeypatch.setitem(GAINS, 'mixup', gains)
  mixup, *_ = findings.shape(Measured(made()), comparable=True)
  assert mixup.endswith(said)


def test_two_gains_that_cannot_be_told_apart_are_not_ranked():
  rows = [
    {
      'labels_per_class': k,
      'mean': float(np.mean(values)),
      'low': 0.01,
      'high': 0.2,
      'values': values,
    }
    for k, values in ((1, [0.1, 0.11, 0.09]), (2, [0.14, 0.06, 0.13]))
  ]
  text = findings._against_published(rows, 'MixUp')
  assert text.endswith('which of the two is larger is not decided.')


def test_the_shape_is_left_open_where_it_cannot_be_seen(monkeypatch):
  """With one seed, with one k, and without the published k."""
  one, *_ = findings.shape(Measured(made(seeds=1)), comparable=True)
  assert one.endswith('here +11.6 points at k = 1.')
  monkeypatch.setattr(sys.modules[__name__], 'KS', (1,))
  for arm in GAINS:
    monkeypatch.setitem(GAINS, arm, GAINS[arm][:1])
  single, *_ = findings.shape(Measured(made()), comparable=True)
  assert single.endswith('here +12.0 points at k = 1.')
  monkeypatch.setattr(sys.modules[__name__], 'KS', (8,))
  other, *_ = findings.shape(Measured(made()), comparable=True)
  assert other.endswith('here +12.0 points at k = 8.')


def test_what_cannot_be_told_apart_is_said_so():
  rows = [
    {'labels_per_class': k, 'mean': 0.01, 'low': -0.01, 'high': 0.03}
    for k in (1, 2)
  ]
  assert findings.comparison_sentence(rows, 'collage', 'MixUp') == (
    'Collage and MixUp cannot be told apart at k = 1 and 2.'
  )


def test_the_page_has_the_published_numbers_beside_ours(tmp_path):
  text = write(made(), tmp_path)
  assert cells(text, '**published**: no mixing') == ['50', '', '']
  assert cells(text, 'MixUp')[0] == '64.0 ± 1.8'
  assert cells(text, 'A random extractor')[:2] == ['55.0 ± 0.0'] * 2
  assert cells(text, 'MixUp minus no mixing')[0].startswith('**+12.0 (')
  # On the source.
  assert cells(text, 'MixUp', 1) == ['18.0 ± 0.0', '44.0 ± 0.0', '70.0 ± 0.0']
  names = {path.name for path in (tmp_path / 'few_labels').iterdir()}
  assert names == {
    f'{name}-{theme}.png'
    for name in ('accuracy', 'differences')
    for theme in ('light', 'dark')
  }
  assert all(f'few_labels/{name}' in text for name in names)


def test_the_page_of_the_digits_says_nothing_of_published_numbers(tmp_path):
  assert 'ublished' not in write(made(), tmp_path, 'digits')


def test_one_seed_has_a_page_without_intervals(tmp_path):
  text = write(made(seeds=1), tmp_path)
  assert 'of one seed, so that there are no intervals' in text
  assert 'MixUp and no mixing cannot be compared by one seed at k = 1' in text
  assert '95 %' not in text


def test_mixed_images_of_the_points_are_shown(tmp_path):
  rows = made(seeds=1)
  folder = tmp_path / 'points' / rows[1]['point']
  folder.mkdir(parents=True)
  np.savez(
    folder / 'mixed.npz',
    images=np.zeros((2, 8, 8, 1), np.uint8),
    targets=np.array([[0.75, 0.25], [0, 1]]),
    names=['a', 'b'],
  )
  assert 'few_labels/mixed-dark.png' in write(rows, tmp_path)
  assert (tmp_path / 'few_labels' / 'mixed-light.png').exists()


@pytest.mark.parametrize('variant', sorted(recipe.VARIANTS))
def test_the_sweep_has_every_arm_and_control_of_every_seed(variant):
  config = recipe.get_config(variant)
  config.source.path, config.target.path = 'source', 'target'
  points = list(recipe.sweep(config))
  assert len(points) == 5 * (4 + 4)
  names = [tuple(factors.values()) for factors, _ in points]
  assert len(set(names)) == len(names)
  for factors, point in points:
    arm = Arm(*(factors[field] for field in Arm._fields))
    assert point.seed == factors['seed']
    assert point.data.path == 'target'
    if arm.arm == 'random':
      assert point.experiment == 'evaluate'
      continue
    assert point.source.path == ('target' if arm == SAME else 'source')
    labelled = arm.arm != 'simclr'
    assert bool(point.transfer.labels_per_class) == labelled
    if labelled:
      assert (point.schedule.steps is None) == (arm == EPOCHS)


def test_the_largest_k_has_as_many_updates_with_equal_epochs():
  for variant, classes in (('digits', 5), ('letters', 10), ('tfds', 10)):
    config = recipe.get_config(variant)
    images = classes * max(config.labels_per_class)
    assert config.epochs * images == config.steps * config.batch_size


@pytest.mark.parametrize('field', ['arms', 'controls'])
def test_an_unknown_arm_is_named(field):
  config = recipe.get_config()
  config[field] = ('plain', 'mixdown')
  with pytest.raises(ValueError, match=f"unknown {field} '"):
    list(recipe.sweep(config))


def test_there_is_something_to_compare_with():
  config = recipe.get_config()
  config.arms = ('mixup',)
  with pytest.raises(ValueError, match='arms must have plain'):
    list(recipe.sweep(config))


def test_a_file_that_is_missing_is_asked_for():
  config = recipe.get_config('letters')
  config.source.path = 'mnist.npz'
  with pytest.raises(ValueError, match=r'--config\.target\.path='):
    list(recipe.sweep(config))


def test_a_pair_that_is_not_there_has_no_table(measured):
  assert tables.differences(measured, [(Arm('cutmix'), PLAIN)]) == ''


def test_a_small_sweep_becomes_a_page_that_shows_every_arm(tmp_path):
  config = recipe.get_config()
  config.seeds = (0,)
  config.arms = ('plain', 'collage')
  config.labels_per_class = (1, 2)
  config.model.update(width=4, strides=(2, 2))
  config.steps = config.simclr.steps = 3
  config.epochs, config.simclr.warmup = 9.6, 0.0
  config.published = True
  studies.run(
    config,
    recipe.sweep(config),
    tmp_path,
    part=(1, 1),
    console=Console(quiet=True),
    command='test',
  )
  text = (tmp_path / 'page.md').read_text()
  for arm in (
    *('No mixing', 'Collage', 'No mixing, the target itself'),
    *('No mixing, equal epochs', 'A random extractor', 'SimCLR without labels'),
  ):
    assert all(cells(text, arm)), arm
  assert all(cells(text, 'Collage', 1))  # On the source.
  assert 'few_labels/mixed-light.png' in text
