"""The worked solutions of lesson 05."""

import torch

from ganlab.check.solutions import Solution


def optimistic(s, h):
    """Take the state (x, y, x_before, y_before) one step further; return it, four numbers."""
    x, y, x_before, y_before = s
    next_x = x - h * (2 * y - y_before)
    next_y = y + h * (2 * x - x_before)
    return next_x, next_y, x, y


def convolution_norm(kernel, x, rounds):
    """Return the norm, one number; kernel (out, in, 3, 3), first image x (1, in, H, W)."""
    conv2d = torch.nn.functional.conv2d
    conv_transpose2d = torch.nn.functional.conv_transpose2d
    for _ in range(rounds):
        u = conv2d(x, kernel, padding=1)
        u = u / u.norm()
        x = conv_transpose2d(u, kernel, padding=1)
        x = x / x.norm()
    return conv2d(x, kernel, padding=1).norm()


def slopes_by_hand(x, weights, biases):
    """Return the squared length of the critic's gradient at each sample of x (B, D): (B,)."""
    slopes = []
    h = x
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        a = h @ W.T + b  # (B, out)
        slopes.append(torch.where(a > 0, 1.0, 0.2))
        h = slopes[-1] * a  # LeakyReLU(0.2) of a
    gradient = weights[-1].expand(len(x), -1)  # (B, out): the last layer's, alike for all
    for W, slope in zip(reversed(weights[:-1]), reversed(slopes), strict=True):
        gradient = (gradient * slope) @ W  # (B, in)
    return gradient.square().sum(dim=1)


def augmented_losses(critic, augment, real, fake):
    """Return the critic's loss and the generator's, each a mean over the batch."""
    softplus = torch.nn.functional.softplus
    real_logits = critic(augment(real))
    fake_logits = critic(augment(fake.detach()))
    critic_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    generator_loss = softplus(-critic(augment(fake))).mean()
    return critic_loss, generator_loss


SOLUTIONS = {
    "05.1": Solution(
        ("optimistic",),
        why=r"""
            1. The game is $x y$. The gradient for $x$ is $y$, and the gradient for $y$ is $x$.
            2. The optimistic step replaces a gradient $g_t$ by $2 g_t - g_{t-1}$. For $x$ that is
               $2y - y_\text{before}$, for $y$ it is $2x - x_\text{before}$.
            3. $x$ descends, so its step is subtracted. $y$ climbs, so its step is added. Both use the old state, since
               they step together.
            4. The next step will need today's $x$ and $y$ as its "before". So the state hands them on.
            """,
        slip="""
            Computing the new x first and using it for y. Then the players move by turns, not together.
            """,
    ),
    "05.2": Solution(
        ("convolution_norm",),
        why=r"""
            1. A convolution is a matrix $W$ that acts on images. Its norm is the largest factor by which it can
               stretch an image.
            2. A round goes through $W$ and back through $W^{\mathsf T}$. In each round that part of the image grows
               most which $W$ stretches most. After enough rounds the others are negligible beside it.
            3. Each time the result is divided by its length, or the numbers would grow or vanish.
            4. At the end $x$ has the length 1. So the length of $W x$ is the factor.
            """,
        slip="""
            Taking for the way back a second `conv2d`. The transposed matrix is `conv_transpose2d` with the same kernel
            and padding.
            """,
    ),
    "05.3": Solution(
        ("slopes_by_hand",),
        why=r"""
            1. Forward: each hidden layer computes $a = W h + b$. LeakyReLU(0.2) multiplies $a$ by 1 where it is
               positive and by 0.2 where it is not. That factor is also its slope, so we keep it.
            2. The last layer is linear, so its gradient by its own input is its weight, for every sample.
            3. Back, by the chain rule: multiply by the slopes of the nonlinearity, then by the layer's weight. With a
               sample in each row, the gradient stands to the left of $W$.
            4. What is left is the gradient by $x$, (B, D). Square its numbers and add them up, sample by sample.
            """,
        slip="""
            Leaving out the biases, since they have no slope. They do decide on which side of 0 each a lies.
            """,
    ),
    "05.4": Solution(
        ("augmented_losses",),
        why="""
            1. The critic never sees an image that is not augmented: not a real one, not a fake one in its own step,
               and not a fake one in the generator's step. Then it has no way to tell augmented images from others.
            2. In the critic's loss the fakes are detached, so that this loss does not move the generator.
            3. In the generator's loss they are not. The gradient passes through the critic and through `augment` back
               to the generator.
            """,
        slip="""
            Augmenting only the real images. Then the generator learns to draw augmented images.
            """,
    ),
}
