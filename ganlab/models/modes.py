"""What is true of any network: how many weights it has, and whether gradients are computed for them."""

import contextlib
from collections.abc import Iterator

from torch import nn


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in `model`."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, gradients pass through `module` but none are computed for its weights, which saves that work."""
    wanted = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    module.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, before in wanted:
            parameter.requires_grad_(before)
