"""Image sets as tensors: by name or folder, in seeded batches that live on the device."""

from ganlab.data import pixels
from ganlab.data.batches import FLIPS, SCALES, Batch, Batches, ImageSet, Source, Stacked, Unpaired, as_source, batch_of
from ganlab.data.clips import CLIPS, ClipBatches, ClipSet, bouncing, crops, flights, moving_digits
from ganlab.data.folders import read_image, read_picture
from ganlab.data.footage import read_clips
from ganlab.data.packaged import SPLITS, DataError, SetStatus, fingerprint
from ganlab.data.paired import load_pairs, two_sides
from ganlab.data.sets import SETS, describe, fetch, load, sides

__all__ = [
    "CLIPS",
    "FLIPS",
    "SCALES",
    "SETS",
    "SPLITS",
    "Batch",
    "Batches",
    "ClipBatches",
    "ClipSet",
    "DataError",
    "ImageSet",
    "SetStatus",
    "Source",
    "Stacked",
    "Unpaired",
    "as_source",
    "batch_of",
    "bouncing",
    "crops",
    "describe",
    "fetch",
    "fingerprint",
    "flights",
    "load",
    "load_pairs",
    "moving_digits",
    "pixels",
    "read_clips",
    "read_image",
    "read_picture",
    "sides",
    "two_sides",
]
