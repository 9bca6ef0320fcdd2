"""The table of the objectives. A new one joins the battery by one row here.

Every test of this directory that asks for a `row` runs once a row. The slow
form of a new objective goes into `slow_forms.py`.
"""

import dataclasses
import functools
import importlib.util
import pathlib
from collections.abc import Callable

import jax
import numpy as np

from semisup_jax import objectives


def load(name):
  """Imports the file of that name beside this one.

  In pytest's importlib mode the directory is not on the path.
  """
  path = pathlib.Path(__file__).with_name(f'{name}.py')
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


slow_forms = load('slow_forms')


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Row:
  """One objective with its hyperparameters bound.

  Attributes:
    loss: The objective, a function of arrays whose first axis is the batch.
    slow: The same in NumPy, float64, loops, written from the formula.
    draw: `(generator, batch, *sample) -> arrays`, random inputs.
    references: `(arrays, value)`, from public code or computed by hand.
    argnums: The arrays through which gradients flow.
    symmetric: Swapping the first two arrays leaves the value as it is.
    unchanged_by: Of `SCALES`, the factors of the first array that do so.
    smallest_batch: The fewest rows that are allowed.
    sample: Shape of one row of the first two arrays, where a test needs one.
    shapes: Their whole shapes for the comparison with the slow form.
    accepts: Of `SPOILT`, what is no wrong shape here.
  """

  loss: Callable[..., jax.Array]
  slow: Callable[..., float]
  draw: Callable[..., tuple[np.ndarray, ...]]
  references: tuple[tuple[tuple[np.ndarray, ...], float], ...]
  argnums: tuple[int, ...]
  symmetric: bool
  unchanged_by: tuple[float, ...]
  smallest_batch: int
  sample: tuple[int, ...] = (4,)
  shapes: tuple[tuple[int, ...], ...] = ((2, 3), (5, 4), (7, 1), (4, 33))
  accepts: tuple[str, ...] = ()


SCALES = (1e-3, 7.0, 1e4)


def two_views(generator, *shape):
  z = generator.normal(size=(2, *shape))
  return z[0], z[0] + z[1]


def long_views(generator, *shape):
  z_a, z_b = two_views(generator, *shape)
  return 30 * z_a, 30 * z_b


def two_views_and_labels(generator, batch, *sample):
  labels = generator.integers(3, size=batch)
  return *two_views(generator, batch, *sample), labels


def logits_and_targets(generator, batch, width):
  logits = 2 * generator.normal(size=(batch, width))
  return logits, generator.dirichlet(np.ones(width), size=batch)


def logits_and_shares(generator, batch, width):
  logits = 3 * generator.normal(size=(batch, width))
  return logits, generator.uniform(size=(batch, width))


def weak_and_strong(generator, batch, width):
  weak = 3 * generator.normal(size=(batch, width))
  return weak, weak + generator.normal(size=(batch, width))


def weak_strong_and_thresholds(generator, batch, width):
  thresholds = generator.uniform(0.5, 1, size=batch)
  return *weak_and_strong(generator, batch, width), thresholds


def images(generator, *shape):
  a, noise = generator.uniform(size=(2, *shape))
  return a, 0.7 * a + 0.3 * noise


def bound(name, **hyperparameters):
  """The objective of that name and its slow form, given the same numbers."""
  return {
    'loss': functools.partial(getattr(objectives, name), **hyperparameters),
    'slow': functools.partial(getattr(slow_forms, name), **hyperparameters),
  }


def in_blocks(row, block_size):
  """The same, of an objective that can go block by block."""
  loss = functools.partial(row['loss'], block_size=block_size)
  return {**row, 'loss': loss}


def pseudo_label(weak_logits, strong_logits, threshold):
  return objectives.pseudo_label(
    weak_logits, strong_logits, threshold=threshold
  )


K = np.arange(32, dtype=np.float64).reshape(8, 4)
Z_1 = np.sin(1 + K)
Z_2 = 0.8 * np.sin(1 + K) + 0.6 * np.cos(2 + 3 * K)
TARGETS = np.eye(4)[np.arange(8) % 4]
# KerasCV's simclr_loss_test, which reports twice the mean over the views.
KERAS_CV = (
  np.array([[1.0, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]]),
  np.array([[6.0, 5, 4, 3], [5, 4, 3, 2], [4, 3, 2, 1]]),
)
# MONAI's test_contrastive_loss; one row is zero.
MONAI = (
  np.array([[1.0, 2, 3, 4], [1, 1, 0, 0]]),
  np.array([[0.0, 0, 0, 0], [1, 1, 0, 0]]),
)
# The terms of VICReg at Z_1 and Z_2: invariance, variance and covariance.
VICREG_TERMS = (0.161952459709588, 0.2709800514385262, 0.5002850292355291)
PIXELS = np.arange(784.0).reshape(1, 28, 28, 1)
IMAGE = 0.5 + 0.5 * np.sin(0.05 * PIXELS)
DISTORTED = np.clip(0.9 * IMAGE + 0.05 * np.cos(PIXELS) + 0.05, 0, 1)

# What the rows of one kind have in common.
TWO_VIEWS = {
  'draw': two_views,
  'argnums': (0, 1),
  'symmetric': True,
  'smallest_batch': 2,
}
CONTRASTIVE = {**TWO_VIEWS, 'unchanged_by': SCALES}
SUP_CON = {**CONTRASTIVE, 'draw': two_views_and_labels}
# At the factor of 1e-3 the epsilon of the BatchNorm is no longer small.
BARLOW_TWINS = {**TWO_VIEWS, 'draw': long_views, 'unchanged_by': (7.0, 1e4)}
VICREG = {**TWO_VIEWS, 'unchanged_by': ()}
# Fewer rows than dimensions: the other way to the same sum.
WIDE = {'sample': (19,)}
DISTILLATION = {
  'draw': two_views,
  'argnums': (0,),
  'symmetric': True,
  'unchanged_by': SCALES,
  'smallest_batch': 1,
}
CLASS_SCORES = {'symmetric': False, 'unchanged_by': (), 'smallest_batch': 1}
PAIRS = {**CLASS_SCORES, 'argnums': (0, 1), 'symmetric': True}

OBJECTIVES = {
  'nt_xent, temperature 0.1': Row(
    **bound('nt_xent', temperature=0.1),
    **CONTRASTIVE,
    references=(((Z_1, Z_2), 0.9321510336141249), (KERAS_CV, 2.86305)),
  ),
  'nt_xent, temperature 0.5': Row(
    **bound('nt_xent', temperature=0.5),
    **CONTRASTIVE,
    references=(
      ((Z_1, Z_2), 1.5614774036835677),
      (KERAS_CV, 1.7833448),
      (MONAI, 0.8719),
    ),
  ),
  'nt_xent, block by block': Row(
    **in_blocks(bound('nt_xent', temperature=0.5), 3),
    **CONTRASTIVE,
    references=(
      ((Z_1, Z_2), 1.5614774036835677),
      (KERAS_CV, 1.7833448),
      (MONAI, 0.8719),
    ),
  ),
  'dcl, temperature 0.1': Row(
    **bound('dcl', temperature=0.1),
    **CONTRASTIVE,
    references=(((Z_1, Z_2), 0.05265727139444759),),
  ),
  'dcl, temperature 0.5': Row(
    **bound('dcl', temperature=0.5),
    **CONTRASTIVE,
    references=(((Z_1, Z_2), 1.3178905946626038),),
  ),
  'dcl, block by block': Row(
    **in_blocks(bound('dcl', temperature=0.1), 2),
    **CONTRASTIVE,
    references=(((Z_1, Z_2), 0.05265727139444759),),
  ),
  'sup_con': Row(
    **bound('sup_con', temperature=0.1),
    **SUP_CON,
    references=(
      ((Z_1, Z_2, np.arange(8) % 3), 2.6690361499786377),
      ((*KERAS_CV, np.arange(3)), 2.86305),
    ),
  ),
  'barlow_twins': Row(
    **bound('barlow_twins', redundancy_weight=0.0051),
    **BARLOW_TWINS,
    references=(((Z_1, Z_2), 0.08330146148420953),),
  ),
  'barlow_twins, wide': Row(
    **bound('barlow_twins', redundancy_weight=0.005),
    **BARLOW_TWINS,
    **WIDE,
    references=(((Z_1, Z_2), 0.08296724471839231),),
  ),
  'vicreg': Row(
    **bound(
      'vicreg', invariance_weight=25, variance_weight=25, covariance_weight=1
    ),
    **VICREG,
    references=(((Z_1, Z_2), 11.323597807938384),),
  ),
  'vicreg, wide': Row(
    **bound(
      'vicreg', invariance_weight=2, variance_weight=10, covariance_weight=5
    ),
    **VICREG,
    **WIDE,
    references=(((Z_1, Z_2), float(np.dot(VICREG_TERMS, (2, 10, 5)))),),
  ),
  'byol': Row(
    **bound('byol'),
    **DISTILLATION,
    references=(((Z_1, Z_2), 0.2847433097287485),),
  ),
  'simsiam': Row(
    **bound('simsiam'),
    **DISTILLATION,
    references=(((Z_1, Z_2), -0.8576283451356257),),
  ),
  'soft_cross_entropy': Row(
    **bound('soft_cross_entropy'),
    **CLASS_SCORES,
    draw=logits_and_targets,
    references=(
      ((Z_1, 0.3 * TARGETS + 0.7 * TARGETS[::-1]), 1.6001780037528943),
    ),
    argnums=(0,),
  ),
  'sigmoid_cross_entropy': Row(
    **bound('sigmoid_cross_entropy'),
    **CLASS_SCORES,
    draw=logits_and_shares,
    references=(
      # By PyTorch's formula for BCEWithLogitsLoss, in float64.
      ((Z_1, TARGETS), 0.7663934052733045),
      ((Z_1, 0.3 * TARGETS + 0.7 * TARGETS[::-1]), 0.7635438874855404),
    ),
    argnums=(0,),
  ),
  'pseudo_label': Row(
    **bound('pseudo_label', threshold=0.95),
    **CLASS_SCORES,
    draw=weak_and_strong,
    references=(
      ((4 * Z_1, 4 * Z_2), 0.21625353605351882),
      ((6 * Z_1, 2 * Z_2), 0.2131525698),
    ),
    argnums=(1,),
  ),
  'pseudo_label, a threshold a row': Row(
    loss=pseudo_label,
    slow=slow_forms.pseudo_label,
    **CLASS_SCORES,
    draw=weak_strong_and_thresholds,
    references=(
      ((6 * Z_1, 2 * Z_2, np.full(8, 0.8)), 0.6602707151),
      ((6 * Z_1, 2 * Z_2, np.full(8, 0.95)), 0.2131525698),
      ((6 * Z_1, 2 * Z_2, np.full(8, 0.99)), 0.0554838669),
    ),
    argnums=(1,),
  ),
  'mean_squared_error': Row(
    **bound('mean_squared_error'),
    **PAIRS,
    draw=two_views,
    references=(((Z_1, Z_2), VICREG_TERMS[0]),),
    shapes=((2, 3), (7, 1), (5, 2, 3), (2, 3, 4, 2)),
    accepts=('three axes',),
  ),
  'ssim': Row(
    **bound('ssim', data_range=1.0),
    **PAIRS,
    draw=images,
    references=(((IMAGE, DISTORTED), 0.9889547784022318),),
    sample=(11, 12, 1),
    shapes=((2, 11, 13, 1), (5, 12, 11, 3)),
  ),
  'ssim, window 3': Row(
    **bound('ssim', data_range=1.0, window=3),
    **PAIRS,
    draw=images,
    # Of constant images only the means differ: (2 ab + C1) / (a^2 + b^2 + C1).
    references=(
      ((np.full((2, 3, 3, 1), 0.2), np.full((2, 3, 3, 1), 0.6)), 2401 / 4001),
    ),
    sample=(3, 4, 2),
    shapes=((2, 3, 3, 1), (5, 4, 6, 1), (3, 5, 3, 3)),
  ),
}


def pytest_generate_tests(metafunc):
  if 'scale' in metafunc.fixturenames:
    metafunc.parametrize('scale', SCALES)
  if 'row' in metafunc.fixturenames:
    metafunc.parametrize('row', OBJECTIVES.values(), ids=OBJECTIVES)
