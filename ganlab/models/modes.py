"""What is true of any network: how many weights it has, its mode, and whether gradients are computed for it."""

import contextlib
from collections.abc import Iterator

from torch import nn


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in `model`."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@contextlib.contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Inside, the networks are in evaluation mode; afterwards each of their modules is in the mode it was in."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, gradients pass through `module` but none are computed for its weights, which saves that work."""
    states = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    module.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, state in states:
            parameter.requires_grad_(state)
