"""Numbers from samples, never from models, so that each can be tested where the answer is known."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class ModeCoverage(NamedTuple):
    """What `mode_coverage` counts: modes reached, the fraction of good samples, and the reverse KL in nats."""

    modes: int
    good: float
    reverse_kl: float


def mode_coverage(samples: Tensor, means: Tensor, sigma: float, within: float = 3.0) -> ModeCoverage:
    """Count the modes that `samples` (n, D) reach, among `means` (K, D) of common standard deviation `sigma`.

    A sample is good within `within` sigma of its nearest mode; a mode counts with one good sample; the reverse KL is
    KL(share of samples nearest each mode || uniform), in nats: 0 when all modes get equal shares, log K when one gets
    all. The protocol is VEEGAN's (Srivastava et al. 2017) and PacGAN's (Lin et al. 2018), with 2,500 samples.
    """
    if samples.ndim != 2 or means.ndim != 2 or samples.shape[1] != means.shape[1] or len(samples) == 0:
        raise ValueError(
            f"samples, means: got shapes {tuple(samples.shape)} and {tuple(means.shape)}, expected (n, D) and (K, D)"
        )
    distances = torch.cdist(samples.double().cpu(), means.double().cpu())  # (n, K)
    distance, nearest = distances.min(dim=1)
    good = distance <= within * sigma
    share = torch.bincount(nearest, minlength=len(means)).double() / len(samples)
    reverse_kl = torch.special.xlogy(share, share).sum().item() + math.log(len(means))
    return ModeCoverage(nearest[good].unique().numel(), good.double().mean().item(), max(reverse_kl, 0.0))
