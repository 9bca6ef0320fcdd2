"""Images under every shift, on one sheet."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas


def contact_sheet(
  names: Sequence[str], images: np.ndarray, theme: str = 'light'
) -> Figure:
  """A few images under every shift, its name above them.

  Args:
    names: Of the shifts.
    images: [shifts, N, H, W, C], uint8, C of 1 or 3; the first three images of
      each are shown.
    theme: `light` or `dark`.
  """
  columns = 3
  rows = -(-len(names) // columns)
  figure, grid, colors = canvas.empty(
    theme, 0.1 + 0.85 * rows, rows=rows, columns=columns
  )
  for axes in grid.flat:
    canvas.without_frame(axes)
  gap = max(1, images.shape[3] // 10)
  for axes, name, own in zip(grid.flat, names, images, strict=False):
    axes.imshow(_strip(own[:3], gap), interpolation='nearest')
    style = {'loc': 'left', 'color': colors.ink, 'fontsize': canvas.SMALL}
    axes.set_title(canvas.literal(name.replace('_', ' '), 26), pad=2, **style)
  return figure


def _strip(images: np.ndarray, gap: int) -> np.ndarray:
  """Images side by side, RGBA, transparent between them."""
  count, height, width, _ = images.shape
  strip = np.zeros((height, count * (width + gap) - gap, 4), np.uint8)
  for i, image in enumerate(images):
    cell = strip[:, i * (width + gap) :][:, :width]
    cell[..., :3] = image
    cell[..., 3] = 255
  return strip
