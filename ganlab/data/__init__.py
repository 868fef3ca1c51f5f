"""Image sets as tensors: by name or folder, in seeded batches that live on the device."""

from ganlab.data import pixels
from ganlab.data.batches import FLIPS, SCALES, Batch, Batches, ImageSet, Source, Stacked, Unpaired, as_source, batch_of
from ganlab.data.folders import read_image, read_picture
from ganlab.data.packaged import SPLITS, DataError, SetStatus, fingerprint
from ganlab.data.paired import load_pairs, two_sides
from ganlab.data.pictures import PICTURES, picture
from ganlab.data.sets import SETS, describe, fetch, load, sides

__all__ = [
    "FLIPS",
    "PICTURES",
    "SCALES",
    "SETS",
    "SPLITS",
    "Batch",
    "Batches",
    "DataError",
    "ImageSet",
    "SetStatus",
    "Source",
    "Stacked",
    "Unpaired",
    "as_source",
    "batch_of",
    "describe",
    "fetch",
    "fingerprint",
    "load",
    "load_pairs",
    "picture",
    "pixels",
    "read_image",
    "read_picture",
    "sides",
    "two_sides",
]
