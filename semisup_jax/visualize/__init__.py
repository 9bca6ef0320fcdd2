"""Arrays in, arrays out, for pictures."""

from semisup_jax.visualize import embeddings

pca = embeddings.pca
tsne = embeddings.tsne
