"""Image sets as tensors: by name or folder, in seeded batches that live on the device."""

from ganlab.data import degraded, pixels
from ganlab.data.batches import FLIPS, SCALES, Batch, Batches, ImageSet, Source, Stacked, Unpaired, as_source, batch_of
from ganlab.data.clips import CLIPS, ClipBatches, ClipSet, bouncing, crops, flights, moving_digits
from ganlab.data.degraded import JPEG, Blur, Degraded, Faded, Grey, Holes, LowResolution, Noise
from ganlab.data.folders import read_image, read_picture
from ganlab.data.footage import read_clips
from ganlab.data.packaged import SPLITS, DataError, SetStatus, fingerprint
from ganlab.data.paired import load_pairs, two_sides
from ganlab.data.pictures import PICTURES, picture
from ganlab.data.relief import relief_scenes
from ganlab.data.sets import SETS, describe, fetch, load, sides
from ganlab.data.squares import Crops

__all__ = [
    "CLIPS",
    "FLIPS",
    "JPEG",
    "PICTURES",
    "SCALES",
    "SETS",
    "SPLITS",
    "Batch",
    "Batches",
    "Blur",
    "ClipBatches",
    "ClipSet",
    "Crops",
    "DataError",
    "Degraded",
    "Faded",
    "Grey",
    "Holes",
    "ImageSet",
    "LowResolution",
    "Noise",
    "SetStatus",
    "Source",
    "Stacked",
    "Unpaired",
    "as_source",
    "batch_of",
    "bouncing",
    "crops",
    "degraded",
    "describe",
    "fetch",
    "fingerprint",
    "flights",
    "load",
    "load_pairs",
    "moving_digits",
    "picture",
    "pixels",
    "read_clips",
    "read_image",
    "read_picture",
    "relief_scenes",
    "sides",
    "two_sides",
]
