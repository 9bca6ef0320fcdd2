"""The report's figures, one function each; arrays and rows in, a Figure out.

What imports matplotlib: import it late. Each figure takes `theme`, `light` or
`dark`; the page shows the one that suits the reader's screen.
"""

import os

from matplotlib.figure import Figure

from semisup_jax.reporting import (
  audit,
  canvas,
  charts,
  curves,
  data_figures,
  dot_plot,
  inside_figures,
  label_curves,
  map_figures,
  pictures,
  prediction_figures,
  run_curves,
  shift_figures,
  snapshots,
  threshold_curves,
)
from semisup_jax.reporting import contact_sheet as contact_sheet_lib
from semisup_jax.reporting import mixed_images as mixed_images_lib
from semisup_jax.reporting import rate_curves as rate_curves_lib

label_efficiency = charts.label_efficiency
training_curves = curves.training_curves
per_class_recall = charts.per_class_recall
methods_comparison = dot_plot.methods_comparison
pseudo_label_thresholds = audit.pseudo_label_thresholds
reliability = audit.reliability
views_grid = pictures.views_grid
reconstructions = pictures.reconstructions
embeddings = pictures.embeddings
confusion = pictures.confusion
accuracy_by_batch_size = shift_figures.accuracy_by_batch_size
corruption_heat_map = shift_figures.corruption_heat_map
reliability_by_mode = shift_figures.reliability_by_mode
embedding_strip = snapshots.embedding_strip
embedding_animation = snapshots.embedding_animation
correlation_strip = snapshots.correlation_strip
class_balance = data_figures.class_balance
image_sizes = data_figures.image_sizes
CertaintyRow = prediction_figures.CertaintyRow
certainty_sheet = prediction_figures.certainty_sheet
confidence_histogram = prediction_figures.confidence_histogram
filters = map_figures.filters
activation_maps = map_figures.activation_maps
Answer = inside_figures.Answer
Evidence = inside_figures.Evidence
Neighbourhood = inside_figures.Neighbourhood
top_classes = inside_figures.top_classes
evidence = inside_figures.evidence
neighbourhoods = inside_figures.neighbourhoods
mistakes = inside_figures.mistakes
contact_sheet = contact_sheet_lib.contact_sheet
Line = label_curves.Line
curves_by_labels = label_curves.curves_by_labels
curves_by_category = label_curves.curves_by_category
curves_of_runs = run_curves.curves_of_runs
rate_curves = rate_curves_lib.rate_curves
Curve = threshold_curves.Curve
curves_by_threshold = threshold_curves.threshold_curves
Mixed = mixed_images_lib.Mixed
mixed_images = mixed_images_lib.mixed_images


def save(figure: Figure | snapshots.Animation, path: str | os.PathLike) -> None:
  """Writes a figure, or an animation, as a PNG of at most 300 kB."""
  if isinstance(figure, snapshots.Animation):
    figure.save(path)
  else:
    canvas.save(figure, path)
