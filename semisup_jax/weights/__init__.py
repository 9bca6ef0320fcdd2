"""Published weights into our networks and out of them, read safely."""

from semisup_jax.weights import caffe, published

IMAGENET_MEAN, IMAGENET_STD = caffe.MEAN, caffe.STD
SHORTER_SIDE = published.SHORTER_SIDE
Classifier = published.Classifier
export = published.export
load = published.load
load_classifier = published.load_classifier
read = published.read
