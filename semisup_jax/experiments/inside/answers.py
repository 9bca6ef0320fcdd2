"""What a network says of images: classes, neighbours and mistakes."""

from semisup_jax import metrics, visualize
from semisup_jax.experiments.inside.part import Part, Subject
from semisup_jax.reporting import inside
from semisup_jax.reporting.inside import Judged

WRONG = 3  # Classes that are named of a mistake.


def top_k(subject: Subject) -> Part:
  """The most probable classes of the images that are shown."""
  said = subject.said(subject.rows, subject.config.k)
  pixels = subject.images.pixels(subject.rows)
  multi_label = subject.network.multi_label
  how = 'each by itself' if multi_label else 'the true one green'
  caption = (
    f'{len(said[0].classes)} of {len(subject.network.class_names):,}, with '
    f'their probabilities; {how}.'
  )

  def draw(figures, theme):
    pairs = zip(pixels, said, strict=True)
    return figures.top_classes([figures.Answer(x, *s) for x, s in pairs], theme)

  return Part(
    [one._asdict() for one in said],
    figure=('The most probable classes', caption, draw),
    said=said,
  )


def neighbours(subject: Subject) -> Part:
  """The nearest images of those that are shown."""
  images, rows = subject.images, subject.rows
  bank, own = subject.looked_at.others, None
  if bank is None:
    bank, own = images, rows
  others = len(bank.names) - (own is not None)
  if not others:
    return Part(
      [], left_out='Neighbours are left out: there is one image, and no other.'
    )
  found = visualize.nearest(
    images.embeddings[rows],
    bank.embeddings,
    min(subject.config.neighbours.k, others),
    own=own,
  )
  numbers = [
    {
      'name': images.names[row],
      'truth': images.truths[row],
      'neighbours': [
        {'name': bank.names[p], 'truth': bank.truths[p], 'cosine': cosine}
        for p, cosine in zip(places, cosines, strict=True)
      ],
    }
    for row, places, cosines in zip(rows, *found, strict=True)
  ]
  columns = (
    images.pixels(rows),
    [images.truths[row] for row in rows],
    [bank.pixels(places) for places in found.rows],
    [[bank.truths[place] for place in places] for places in found.rows],
    found.similarity,
  )
  among = 'images of the run' if own is None else 'images of the folder'
  caption = (
    f'The {found.rows.shape[1]} nearest of {others:,} other {among}, by the '
    'cosine of their embeddings, which stands below with the class; orange '
    'where that is known and another one.'
  )

  def draw(figures, theme):
    lines = zip(*columns, strict=True)
    return figures.neighbourhoods(
      [figures.Neighbourhood(*line) for line in lines], theme
    )

  return Part(numbers, figure=('Nearest neighbours', caption, draw))


def mistakes(subject: Subject) -> Part:
  """Images that are given a wrong class, the most certain first."""
  if subject.network.multi_label:
    return Part(
      None,
      left_out='Wrong predictions are left out: an image has any number of '
      'labels, and not one class.',
    )
  labels = subject.images.labels
  count = int((labels >= 0).sum())
  if not count:
    return Part(
      None,
      left_out='Wrong predictions are left out: the class of no image is '
      'known.',
    )
  rows = visualize.mistakes(subject.images.probabilities, labels)
  right = count - len(rows)
  judged = Judged(right, count, *metrics.wilson_interval(right, count))
  said = subject.said(rows, WRONG)
  numbers = {**judged._asdict(), 'wrong': [one._asdict() for one in said]}
  if not len(rows):
    none = f'No wrong prediction is shown: all {count:,} are right.'
    return Part(numbers, left_out=none, judged=judged)
  shown = said[: subject.config.mistakes]
  pixels = subject.images.pixels(rows[: len(shown)])
  caption = (
    f'{inside.accuracy(judged)} '
    + (f'Of these the {len(shown)}' if len(shown) < len(rows) else 'These are')
    + ' most certain first, with the most probable classes.'
  )

  def draw(figures, theme):
    pairs = zip(pixels, shown, strict=True)
    return figures.mistakes([figures.Answer(x, *s) for x, s in pairs], theme)

  return Part(
    numbers, figure=('Wrong predictions', caption, draw), judged=judged
  )
