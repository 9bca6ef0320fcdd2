"""What a network computes on the way: filters, activations and evidence."""

import numpy as np

from semisup_jax import visualize
from semisup_jax.experiments.inside.part import Part, Subject

MAPS = 16  # Of a feature, that are shown.


def filters(subject: Subject) -> Part:
  """The first convolution's."""
  kernel = subject.network.kernel
  grid = visualize.filter_grid(kernel)
  height, width, channels, count = kernel.shape
  caption = (
    f'Of the first convolution all {count}, of {height} x {width} pixels'
    f'{" in colour" if channels == 3 else ""}, by their number along the rows. '
    'All are on one scale: the middle grey is a weight of zero, and black or '
    'white the largest of any.'
  )
  return Part(
    {'shape': kernel.shape},
    {'filters': kernel},
    figure=(
      'The first filters',
      caption,
      lambda figures, theme: figures.filters(grid, theme),
    ),
  )


def activations(subject: Subject) -> Part:
  """A feature of the first image that is shown."""
  row, feature = subject.rows[:1], subject.config.feature
  name = subject.images.names[row[0]]
  found = subject.network.activations(subject.images.pixels(row), feature)
  arrays = {'after_relu': found.after[0]}
  how = 'No ReLU gives this feature, so there is nothing before one.'
  if found.before is not None:
    arrays['before_relu'] = found.before[0]
    how = 'Before and after the ReLU, on one scale.'
  height, width, count = arrays['after_relu'].shape
  shown = {kind: maps[..., :MAPS] for kind, maps in arrays.items()}
  caption = (
    f'The first {min(MAPS, count)} of {count} maps of {height} x {width} '
    f'pixels, of the image {name}. {how}'
  )
  return Part(
    {'name': name, 'feature': feature, 'shape': (height, width, count)},
    arrays,
    figure=(
      f'Activation maps of {feature}',
      caption,
      lambda figures, theme: figures.activation_maps(
        shown.get('before_relu'), shown['after_relu'], theme
      ),
    ),
  )


def saliency(subject: Subject) -> Part:
  """Where images speak for the class that is the most probable."""
  section, network = subject.config.saliency, subject.network
  pixels = subject.images.pixels(subject.rows)
  said = subject.said(subject.rows, 1)
  classes = subject.images.probabilities[subject.rows].argmax(axis=1)
  fill = np.rint(255 * network.mean).astype(np.uint8)
  falls = np.stack(
    [
      visualize.occlude(
        lambda images: network.see(images).probabilities,
        image,
        label,
        patch=section.patch,
        stride=section.stride,
        fill=fill,
      )
      for image, label in zip(pixels, classes, strict=True)
    ]
  )
  cams = network.grad_cam(pixels, section.feature, classes)
  caption = (
    f'Covered: a patch of {section.patch} x {section.patch} pixels of the mean '
    f'colour moves over the image by {section.stride}. Orange is where the '
    'probability of the most probable class, below the image, falls, and blue '
    'where it rises; the number is the largest fall, in points of per cent, as '
    'the mean of the patches that cover a pixel. Grad-CAM: of the feature '
    f'{section.feature}. Each picture is on a scale of its own.'
  )

  def draw(figures, theme):
    rows = zip(pixels, said, falls, cams, strict=True)
    return figures.evidence(
      [
        figures.Evidence(x, s.classes[0], s.probabilities[0], fall, cam)
        for x, s, fall, cam in rows
      ],
      theme,
    )

  images = [
    {**one._asdict(), 'largest_fall': np.nanmax(fall)}
    for one, fall in zip(said, falls, strict=True)
  ]
  return Part(
    {**section.to_dict(), 'images': images},
    {'images': pixels, 'occlusion': falls, 'grad_cam': cams},
    figure=('What speaks for the class', caption, draw),
  )
