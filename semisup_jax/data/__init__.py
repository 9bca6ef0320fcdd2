"""Images in: sources, splits and streams."""

from semisup_jax.data import dataset, placement, sources, splits, streams

Dataset = dataset.Dataset
channel_statistics = dataset.channel_statistics
SOURCES = sources.SOURCES
load = sources.load
Splits = splits.Splits
draw_labelled = splits.draw_labelled
make_splits = splits.make_splits
ResidentStream = streams.ResidentStream
place = placement.place
put = placement.put
