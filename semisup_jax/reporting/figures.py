"""The report's figures, one function each; arrays and rows in, a Figure out.

What imports matplotlib: import it late. Each figure takes `theme`, `light` or
`dark`; the page shows the one that suits the reader's screen.
"""

from semisup_jax.reporting import canvas, charts, pictures

label_efficiency = charts.label_efficiency
training_curves = charts.training_curves
per_class_recall = charts.per_class_recall
views_grid = pictures.views_grid
embeddings = pictures.embeddings
confusion = pictures.confusion
save = canvas.save
