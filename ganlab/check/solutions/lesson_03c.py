"""The worked solutions of lesson 03c."""

import torch

from ganlab.check.solutions import Solution


def nearer(samples, training, held_out):
    """Return the share of samples nearer to a training image, flipped or not,
    than any held-out image is.
    """
    turns = [(), (3,), (2,), (2, 3)]  # as it is, left to right, upside down, both
    turned = torch.cat([training.flip(dims) for dims in turns])

    def to_nearest(images):
        return torch.cdist(images.flatten(1), turned.flatten(1)).amin(dim=1)

    limit = to_nearest(held_out).min()
    return (to_nearest(samples) < limit).double().mean()


def suspicious(samples, training, held_out):
    """Return the share of samples (n, D) whose ratio is below 1% of held-out ratios."""

    def ratio(images):
        two = torch.cdist(images, training).topk(2, largest=False).values  # (n, 2)
        return two[:, 0] / two[:, 1]

    limit = ratio(held_out).quantile(0.01)
    return (ratio(samples) < limit).double().mean()


SOLUTIONS = {
    "03c.1": Solution(
        ("nearer",),
        why="""
            1. A copy may be turned. So each training image stands in the comparison four times, once for each turn.
            2. `cdist` compares flat vectors, so the images are flattened. The smallest number in a row is the distance
               to the nearest training image.
            3. "Nearer than every held-out image is" means: nearer than the *nearest* held-out image. So the limit is
               the smallest of the held-out distances, measured in the same way, turns included.
            4. The mean of true and false, as numbers, is the share.
            """,
        slip="""
            Turning the training images for the samples, but not for the held-out images. Then the two distances are
            not measured alike, and the limit is too large.
            """,
    ),
    "03c.2": Solution(
        ("suspicious",),
        why="""
            1. `cdist` gives the distances of each image to all training images. `topk(2, largest=False)` keeps the two
               smallest of each row, the smallest first.
            2. Their ratio lies between 0 and 1. A new image has two training images about equally near, so its ratio
               is close to 1. A copy has a small one.
            3. The limit comes from the held-out images, which nobody copied: 1% of their ratios are smaller.
            4. The mean of true and false, as numbers, is the share.
            """,
        slip="""
            Calling `topk` without `largest=False`. Then the two *farthest* training images are compared, and nobody
            is close to those.
            """,
    ),
}
