"""Published weights into our networks and out of them, read safely."""

from semisup_jax.weights import caffe, published

IMAGENET_MEAN, IMAGENET_STD = caffe.MEAN, caffe.STD
export = published.export
load = published.load
read = published.read
