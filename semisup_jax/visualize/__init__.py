"""Arrays in, arrays out, for pictures."""

from semisup_jax.visualize import (
  answers,
  embeddings,
  filters,
  neighbours,
  occlusion,
  opened,
)

on_sphere = embeddings.on_sphere
pca = embeddings.pca
common_pca = embeddings.common_pca
tsne = embeddings.tsne
top_classes = answers.top_classes
mistakes = answers.mistakes
first_kernel = filters.first_kernel
filter_grid = filters.filter_grid
grid_shape = filters.grid_shape
Neighbours = neighbours.Neighbours
nearest = neighbours.nearest
occlude = occlusion.occlude
Activations = opened.Activations
Network = opened.Network
map_features = opened.map_features
activations = opened.activations
grad_cam = opened.grad_cam
enlarged = opened.enlarged
