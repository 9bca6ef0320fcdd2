"""Images in: sources, splits and streams."""

from semisup_jax.data import (
  dataset,
  drawing,
  duplicates,
  folds,
  labels,
  placement,
  sources,
  splits,
  stored,
  streams,
)
from semisup_jax.data.sources import found_images

Dataset = dataset.Dataset
channel_statistics = dataset.channel_statistics
SOURCES = sources.SOURCES
load = sources.load
read = sources.read
check_labels = sources.check_labels
FoundImages = found_images.FoundImages
picture = found_images.picture
workers = sources.fields.workers
Splits = splits.Splits
read_fold = folds.read_fold
known = labels.known
members = labels.members
label_counts = labels.counts
in_words = labels.in_words
strata = labels.strata
alone = labels.alone
undecided = labels.undecided
draw_folds = drawing.draw_folds
draw_labelled = drawing.draw_labelled
draw_stratified = drawing.draw_stratified
digests = duplicates.digests
repeated = duplicates.repeated
leaks = duplicates.leaks
make_splits = splits.make_splits
StoredImages = stored.StoredImages
Stream = streams.Stream
ResidentStream = streams.ResidentStream
make_stream = streams.make_stream
place = placement.place
put = placement.put
