"""Every objective once more: NumPy, float64, loops, written from the formula.

Nothing here imports the package, so that no mistake can be made twice.
"""

import functools
import itertools
import math

import numpy as np


def contrastive(z_a, z_b, *, temperature, with_positive):
  rows = [z / np.linalg.norm(z) for z in np.concatenate([z_a, z_b])]
  total = 0.0
  for i, row in enumerate(rows):
    partner = (i + len(z_a)) % len(rows)
    denominator = 0.0
    for k, other in enumerate(rows):
      if k != i and (with_positive or k != partner):
        denominator += math.exp(row @ other / temperature)
    total += math.log(denominator) - row @ rows[partner] / temperature
  return total / len(rows)


nt_xent = functools.partial(contrastive, with_positive=True)
dcl = functools.partial(contrastive, with_positive=False)


def sup_con(z_a, z_b, labels, *, temperature):
  rows = [z / np.linalg.norm(z) for z in np.concatenate([z_a, z_b])]
  classes = [*labels, *labels]
  total = 0.0
  for i, row in enumerate(rows):
    others = [k for k in range(len(rows)) if k != i]
    scores = {k: row @ rows[k] / temperature for k in others}
    log_total = math.log(sum(math.exp(score) for score in scores.values()))
    losses = [log_total - scores[k] for k in others if classes[k] == classes[i]]
    total += sum(losses) / len(losses)
  return total / len(rows)


def soft_cross_entropy(logits, targets):
  total = 0.0
  for row, weights in zip(logits, targets, strict=True):
    log_total = math.log(sum(math.exp(score) for score in row))
    for score, weight in zip(row, weights, strict=True):
      total -= weight * (score - log_total)
  return total / len(logits)


def sigmoid_cross_entropy(logits, targets):
  total = 0.0
  for row, shares in zip(logits, targets, strict=True):
    for score, share in zip(row, shares, strict=True):
      yes = 1 / (1 + math.exp(-score))
      total -= share * math.log(yes) + (1 - share) * math.log(1 - yes)
  return total / logits.size


def pseudo_label(weak_logits, strong_logits, threshold):
  thresholds = np.broadcast_to(threshold, len(weak_logits))
  total = 0.0
  for weak, strong, least in zip(
    weak_logits, strong_logits, thresholds, strict=True
  ):
    label = max(range(len(weak)), key=lambda c, scores=weak: scores[c])
    if 1 / sum(math.exp(score - weak[label]) for score in weak) >= least:
      total -= math.log(
        math.exp(strong[label]) / sum(math.exp(score) for score in strong)
      )
  return total / len(weak_logits)


def barlow_twins(z_a, z_b, *, redundancy_weight):
  columns_a, columns_b = (
    [(x - x.mean()) / math.sqrt(np.mean((x - x.mean()) ** 2) + 1e-5) for x in z]
    for z in (z_a.T, z_b.T)
  )
  total = 0.0
  for i, x in enumerate(columns_a):
    for j, y in enumerate(columns_b):
      correlation = x @ y / len(x)
      if i == j:
        total += (1 - correlation) ** 2
      else:
        total += redundancy_weight * correlation**2
  return total


def vicreg(z_a, z_b, *, invariance_weight, variance_weight, covariance_weight):
  n, dim = z_a.shape
  total = 0.0
  for x, y in zip(z_a.flat, z_b.flat, strict=True):
    total += invariance_weight * (x - y) ** 2 / (n * dim)
  for z in (z_a, z_b):
    columns = [x - x.mean() for x in z.T]
    for i, x in enumerate(columns):
      deviation = math.sqrt(x @ x / (n - 1) + 1e-4)
      total += variance_weight * max(0, 1 - deviation) / dim / 2
      for j, y in enumerate(columns):
        if i != j:
          total += covariance_weight * (x @ y / (n - 1)) ** 2 / dim
  return total


def mean_cosine(prediction, target):
  cosines = [
    p @ t / math.sqrt((p @ p) * (t @ t))
    for p, t in zip(prediction, target, strict=True)
  ]
  return sum(cosines) / len(cosines)


def byol(prediction, target):
  return 2 - 2 * mean_cosine(prediction, target)


def simsiam(prediction, target):
  return -mean_cosine(prediction, target)


def mean_squared_error(prediction, target):
  total = 0.0
  for index in np.ndindex(prediction.shape):
    total += (prediction[index] - target[index]) ** 2
  return total / prediction.size


def ssim(a, b, *, data_range, window=11):
  offsets = np.arange(window) - window // 2
  weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
  weights /= weights.sum()
  c_1, c_2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
  batch, height, width, channels = a.shape
  values = []
  for n, top, left, c in itertools.product(
    range(batch),
    range(height - window + 1),
    range(width - window + 1),
    range(channels),
  ):
    x, y = (
      image[n, top : top + window, left : left + window, c] for image in (a, b)
    )
    m_x, m_y = np.sum(weights * x), np.sum(weights * y)
    v_x = np.sum(weights * (x - m_x) ** 2)
    v_y = np.sum(weights * (y - m_y) ** 2)
    covariance = np.sum(weights * (x - m_x) * (y - m_y))
    numerator = (2 * m_x * m_y + c_1) * (2 * covariance + c_2)
    denominator = (m_x**2 + m_y**2 + c_1) * (v_x + v_y + c_2)
    values.append(numerator / denominator)
  return sum(values) / len(values)
