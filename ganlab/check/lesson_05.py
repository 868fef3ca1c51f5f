"""The exercises of lesson 05: the optimistic step, a convolution's norm, a critic's slope by hand, augmentation."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import losses
from ganlab.check import Exercise, Slip
from ganlab.runtime import seeded_generator

State = tuple[float, float, float, float]


def optimistic(
    s: Sequence[float],
    h: float,
    new: float = 2.0,
    old: float = 1.0,
    turns: bool = False,
    sign_x: float = -1.0,
    sign_y: float = 1.0,
    keep: Callable[[State, float, float], State] = lambda s, x, y: (x, y, s[0], s[1]),
    swapped: bool = False,
) -> State:
    """Return the next (x, y, x_before, y_before) of min over x, max over y of x y. The rest are for slips."""
    x, y, x_before, y_before = s
    if swapped:
        x_before, y_before = y_before, x_before
    next_y = y + sign_y * h * (new * x - old * x_before)
    next_x = x + sign_x * h * (new * (next_y if turns else y) - old * (y if turns else y_before))
    return keep((x, y, x_before, y_before), next_x, next_y)


def _optimistic(function: Callable) -> dict[str, Any]:
    found, s = {}, (1.0, -0.3, 0.8, 0.5)
    for step in (1, 2, 3):
        s = tuple(float(number) for number in function(s, 0.2))
        found[f"state (x, y, x_before, y_before) after step {step}"] = torch.tensor(s, dtype=torch.float64)
    return found


_same, _transposed = functools.partial(F.conv2d, padding=1), functools.partial(F.conv_transpose2d, padding=1)


def conv_norm(
    kernel: Tensor,
    x: Tensor,
    rounds: int,
    there: Callable[[Tensor, Tensor], Tensor] = _same,
    back: Callable[[Tensor, Tensor], Tensor] = _transposed,
    unit: Callable[[Tensor], Tensor] = lambda t: t / t.norm(),
    give: Callable[[Tensor, Tensor], Tensor] = lambda x, kernel: _same(x, kernel).norm(),
    after: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return the estimate of a padded convolution's largest singular value from the image x. The rest are for slips."""
    for _ in range(rounds):
        x = (after or unit)(back(unit(there(x, kernel)), kernel))
    return give(x, kernel)


def _conv_norm(function: Callable) -> dict[str, Any]:
    rng, found = seeded_generator("05.2"), {}
    for out, channels, size, rounds, scale in ((3, 2, 5, 1, 1.0), (2, 2, 6, 4, 1.0), (4, 1, 7, 20, 100.0)):
        kernel = scale * torch.randn(out, channels, 3, 3, generator=rng, dtype=torch.float64)
        x = torch.randn(1, channels, size, size + 1, generator=rng, dtype=torch.float64)
        found[f"{channels} -> {out} channels, {rounds} rounds"] = function(kernel, x, rounds) / scale
    return found


def squared_slope(
    x: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    leak: float = 0.2,
    forward: float = 0.2,
    signs: Callable[[Tensor], Tensor] = lambda a: a,
    first: bool = True,
    power: float = 1.0,
    per: Callable[[Tensor], Tensor] = lambda gradient: gradient.square().sum(1),
    bias: bool = True,
) -> Tensor:
    """Return |grad_x c|^2, (B,), of a critic of linear layers and LeakyReLU(0.2). The rest are for slips."""
    slopes, h = [], x
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        a = h @ W.T + (b if bias else 0)
        slopes.append(torch.where(signs(a) > 0, 1.0, leak))
        h = F.leaky_relu(a, forward)
    gradient = weights[-1].expand(len(x), -1)
    for k in reversed(range(len(slopes))):
        masked = slopes[k] * gradient if (first or k) else gradient
        gradient = masked @ weights[k]
    return per(gradient) ** power


def _squared_slope(function: Callable) -> dict[str, Any]:
    rng, found = seeded_generator("05.3"), {}
    for sizes in ((2, 5, 1), (3, 6, 4, 1), (2, 5, 4, 6, 1)):
        pairs = zip(sizes, sizes[1:], strict=False)
        weights = [torch.randn(o, i, generator=rng, dtype=torch.float64) for i, o in pairs]
        biases = [torch.randn(size, generator=rng, dtype=torch.float64) for size in sizes[1:]]
        x = torch.randn(7, sizes[0], generator=rng, dtype=torch.float64)
        with torch.no_grad():
            found[f"squared slopes, layers of {sizes}"] = function(x, weights, biases)
    return found


def augmented_losses(
    critic: Callable[[Tensor], Tensor],
    augment: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    on_real: bool = True,
    on_fake: bool = True,
    in_generator: bool = True,
    generator: Callable[[Tensor], Tensor] = losses.non_saturating_generator,
    cut_critic: bool = True,
    cut_augment: bool = False,
    critic_loss: Callable[[Tensor, Tensor], Tensor] = losses.cross_entropy_critic,
    blind: bool = False,
    give: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda of_critic, of_generator: (of_critic, of_generator),
) -> tuple[Tensor, Tensor]:
    """Return both losses, means over the batch, on augmented images. The rest are for slips."""
    seen = fake.detach() if cut_critic else fake
    real_logits = critic(augment(real) if on_real else real)
    fake_logits = critic(augment(seen) if on_fake else seen)
    changed = augment(fake) if in_generator else fake
    judged = critic(changed.detach() if cut_augment else changed)
    fake_logits = fake_logits.detach() if blind else fake_logits
    return give(critic_loss(real_logits, fake_logits).mean(), generator(judged).mean())


class _Scale(nn.Module):
    """A change of images that is not random, so that an answer has one value: brighter, moved, less contrast."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.6 * x.roll(1, dims=3) + 0.3


def _augmented(function: Callable) -> dict[str, Any]:
    rng = seeded_generator("05.4")
    weight = torch.randn(1, 4, 4, generator=rng, dtype=torch.float64).requires_grad_()
    real = torch.randn(5, 1, 4, 4, generator=rng, dtype=torch.float64)
    z = torch.randn(5, 1, 4, 4, generator=rng, dtype=torch.float64)
    theta = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)  # the generator's only weight
    found = function(lambda x: (weight * x.tanh()).flatten(1).sum(1), _Scale(), real.clone(), theta * z)
    critic_loss, generator_loss = found

    def gradient(loss: Tensor, by: Tensor) -> Tensor:
        if not torch.is_tensor(loss) or not loss.requires_grad:
            return torch.zeros_like(by)
        slope = torch.autograd.grad(loss, by, retain_graph=True, allow_unused=True)[0]
        return torch.zeros_like(by) if slope is None else slope

    return {
        "critic's loss": critic_loss,
        "generator's loss": generator_loss,
        "gradient of the critic's loss by the critic's weights": gradient(critic_loss, weight),
        "gradient of the generator's loss by the generator's weight": gradient(generator_loss, theta),
        "gradient of the critic's loss by the generator's weight": gradient(critic_loss, theta),
    }


def _slips(function: Callable, changes: dict[str, dict[str, Any]]) -> tuple[Slip, ...]:
    """Return a slip for each hint: `function` with those arguments changed."""
    return tuple(Slip(functools.partial(function, **changed), hint) for hint, changed in changes.items())


OPTIMISTIC_SLIPS = {
    "the old gradient is added: it is subtracted, 2 (now) - (before).": {"old": -1.0},
    "the gradient now counts twice: 2 (now) - (before).": {"new": 1.0},
    "that is the plain step together: the gradient before is missing.": {"new": 1.0, "old": 0.0},
    "the gradient before is missing: 2 (now) - (before).": {"old": 0.0},
    "x has seen the new y: both look at the same state here.": {"turns": True},
    "x climbs: it wants x y small.": {"sign_x": 1.0},
    "both signs are turned: x wants x y small and descends, y wants it large and climbs.": {
        "sign_x": 1.0,
        "sign_y": -1.0,
    },
    "y descends: it wants x y large.": {"sign_y": -1.0},
    "x and y are right, but you hand on the old `before`: it is what x and y were in this step.": {
        "keep": lambda s, x, y: (x, y, s[2], s[3])
    },
    "`before` is the new state: hand on what x and y were before this step.": {"keep": lambda s, x, y: (x, y, x, y)},
    "the order is (x, y, x_before, y_before).": {"keep": lambda s, x, y: (s[0], s[1], x, y)},
    "x_before and y_before are exchanged in what you hand on.": {"keep": lambda s, x, y: (x, y, s[1], s[0])},
    "the gradient for x is y, and the one before is y_before, not x_before.": {"swapped": True},
    "you hand on the gradients, y and x: the state carries positions, x_before and y_before.": {
        "keep": lambda s, x, y: (x, y, s[1], s[0]),
        "swapped": True,
    },
}

NORM_SLIPS = {
    "nothing was normalised: the numbers grow beyond bounds. Divide by the length each time.": {"unit": lambda t: t},
    "you normalised on the way there only: x has to be divided by its length, too.": {"after": lambda t: t},
    "you normalised along dim 0, where there is one image: every number became 1 or -1. Divide by one length in all.": {
        "unit": lambda t: F.normalize(t, dim=0)
    },
    "you normalised along the channels, which is what F.normalize does unless told: divide by one length in all.": {
        "unit": F.normalize
    },
    "normalised for each channel: there is one length for the whole image.": {
        "unit": lambda t: t / t.flatten(2).norm(dim=2)[..., None, None]
    },
    "that is sigma squared: return the length of conv(x).": {"give": lambda x, kernel: _same(x, kernel).norm() ** 2},
    "that is conv(x) itself: its length is the number.": {"give": _same},
    "that way back is a convolution with the kernel not turned: use conv_transpose2d.": {
        "back": lambda y, kernel: _same(y, kernel.transpose(0, 1))
    },
    "the padding is missing on the way there: the layer pads by 1.": {
        "there": F.conv2d,
        "back": F.conv_transpose2d,
        "give": lambda x, kernel: F.conv2d(x, kernel).norm(),
    },
    "that is the norm of the kernel as a matrix, as torch takes it: the layer meets every patch.": {
        "give": lambda x, kernel: torch.linalg.matrix_norm(kernel.flatten(1), 2)
    },
    "that is the length of the kernel: all squared weights added.": {"give": lambda x, kernel: kernel.norm()},
    "one round too many.": {"give": lambda x, kernel: conv_norm(kernel, x, 1)},
}

SLOPE_SLIPS = {
    "your LeakyReLU has torch's own slope, 0.01: here it is 0.2.": {"leak": 0.01, "forward": 0.01},
    "your forward pass has torch's own slope for LeakyReLU, 0.01: here it is 0.2.": {"forward": 0.01},
    "your forward pass has no nonlinearity: LeakyReLU stands between the layers.": {"forward": 1.0},
    "slope 0 for negative a: LeakyReLU has 0.2.": {"leak": 0.0},
    "that is a critic with ReLU, forward and back: LeakyReLU keeps 0.2 of a negative a.": {"leak": 0.0, "forward": 0.0},
    "slope 1 everywhere: the layers' nonlinearity is missing.": {"leak": 1.0},
    "the signs are turned: 1 for positive a, 0.2 for negative.": {"signs": lambda a: -a},
    "the nonlinearity next to the input is missing.": {"first": False},
    "that is the slope: return its square.": {"power": 0.5},
    "a mean over the input's dimensions: squares add up to a squared length.": {"per": lambda g: g.square().mean(1)},
    "the gradient's numbers were added first: square each, then add.": {"per": lambda g: g.sum(1) ** 2},
    "one number for the batch: return one for each sample.": {"per": lambda g: g.square().sum()},
    "the biases are missing: they decide on the signs of a.": {"bias": False},
}

AUGMENT_SLIPS = {
    "the real images are not augmented: the critic then tells augmented from not, and nothing else.": {
        "on_real": False
    },
    "the critic's fakes are not augmented: it then learns that augmented images are real.": {"on_fake": False},
    "the generator's fakes are not augmented: the critic then judges images of a kind it was never trained on.": {
        "in_generator": False
    },
    "only real images are augmented: then the generator learns to make augmented ones.": {
        "on_fake": False,
        "in_generator": False,
    },
    "nothing is augmented where the critic learns.": {"on_real": False, "on_fake": False},
    "nothing is augmented at all.": {"on_real": False, "on_fake": False, "in_generator": False},
    "real and fake are exchanged in the critic's loss.": {
        "critic_loss": lambda real, fake: losses.cross_entropy_critic(fake, real)
    },
    "you return the generator's loss first: the critic's comes first.": {"give": lambda c, g: (g, c)},
    "the critic's loss is halved: it adds the mean over real and the mean over fake images.": {
        "give": lambda c, g: (c / 2, g)
    },
    "the critic learns nothing from the fakes: detach the images, not the critic's logits, and no no_grad there.": {
        "blind": True
    },
    "the generator's loss saturates: -log D, not log(1 - D).": {"generator": losses.minimax_generator},
    "the critic's loss reaches the generator: detach the fakes there.": {"cut_critic": False},
    "no gradient reaches the generator: do not detach its fakes, and augment by what gradients can pass.": {
        "cut_augment": True
    },
}

EXERCISES = {
    "05.1": Exercise(_optimistic, optimistic, _slips(optimistic, OPTIMISTIC_SLIPS)),
    "05.2": Exercise(
        _conv_norm,
        conv_norm,
        (
            *_slips(conv_norm, NORM_SLIPS),
            Slip(lambda kernel, x, rounds: conv_norm(kernel, x, rounds - 1), "one round too few: `rounds` of them."),
        ),
    ),
    "05.3": Exercise(_squared_slope, squared_slope, _slips(squared_slope, SLOPE_SLIPS)),
    "05.4": Exercise(_augmented, augmented_losses, _slips(augmented_losses, AUGMENT_SLIPS)),
}
