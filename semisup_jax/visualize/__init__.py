"""Arrays in, arrays out, for pictures."""

from semisup_jax.visualize import embeddings

on_sphere = embeddings.on_sphere
pca = embeddings.pca
common_pca = embeddings.common_pca
tsne = embeddings.tsne
