"""Answers to assignment 2 as different people would write them, right and wrong; see test_assignments.py.

A text is an expression in the namespace that the solved notebook leaves. The strips' names depend on the variant, so
`answers` puts theirs together.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def stub(*arguments):
    return ...


# 2.1


def padding_by_trial(side, kernel, stride, padding):
    layer = nn.Conv2d(1, 1, kernel, stride, padding)
    small = layer(torch.zeros(1, 1, side, side)).shape[-1]
    return side - ((small - 1) * stride - 2 * padding + kernel)


def padding_by_numpy(side, kernel, stride, padding):
    return np.mod(np.float32(side - kernel + 2 * padding), stride)


def padding_by_search(side, kernel, stride, padding):
    small = (side + 2 * padding - kernel) // stride + 1
    for extra in range(stride):
        if (small - 1) * stride - 2 * padding + kernel + extra == side:
            return torch.tensor(extra)


def patch_backwards(layers):
    side = 1
    for kernel, stride in layers[::-1]:
        side = (side - 1) * stride + kernel
    return side


def patch_by_numpy(layers):
    kernels, strides = np.array(layers).T
    apart = np.cumprod([1, *strides[:-1]])
    return 1.0 + ((kernels - 1) * apart).sum()


def patch_by_gradient(layers):
    size = 2 * math.prod(stride for _, stride in layers) * sum(kernel for kernel, _ in layers)
    image = torch.zeros(1, 1, size, device="cpu", requires_grad=True)
    x = image
    for kernel, stride in layers:
        x = F.conv1d(x, torch.ones(1, 1, kernel, device="cpu"), stride=stride)
    x[0, 0, 0].backward()
    return int(image.grad.count_nonzero())


def patch_with_own_stride(layers):
    side, apart = 1, 1
    for kernel, stride in layers:
        apart *= stride
        side += (kernel - 1) * apart
    return side


def patch_with_last_stride(layers):
    side, apart = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * apart
        apart = stride
    return side


def patch_with_k(layers):
    side, apart = 1, 1
    for kernel, stride in layers:
        side, apart = side + kernel * apart, apart * stride
    return side


def patch_shared(layers):
    side = 1
    for kernel, stride in reversed(layers):
        side = side * stride + kernel
    return side


# 2.2


def weights(latent_dim, width, multiples):
    """Return how many numbers stand in the kernels."""
    channels = [latent_dim] + [m * width for m in multiples] + [3]
    return 16 * sum(channels[k] * channels[k + 1] for k in range(len(channels) - 1))


def widest_by(cost):
    """Return a widest that halves an interval, for cost(latent_dim, width, multiples)."""

    def answer(latent_dim, budget, multiples):
        low, high = 1, 100_000
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if cost(latent_dim, middle, multiples) <= budget else (low, middle)
        return low

    return answer


def cost(latent_dim, width, multiples):
    return weights(latent_dim, width, multiples) + 2 * width * sum(multiples) + 3


widest = widest_by(cost)


def widest_by_formula(latent_dim, budget, multiples):
    m = np.array(multiples, dtype=float)
    a, b = 16 * (m[:-1] * m[1:]).sum(), 16 * (latent_dim * m[0] + 3 * m[-1]) + 2 * m.sum()
    return torch.tensor(math.floor((-b + math.sqrt(b * b + 4 * a * (budget - 3))) / (2 * a) + 1e-9))


def widest_by_networks(latent_dim, budget, multiples):
    for width in range(1, 200):
        channels = [latent_dim, *(m * width for m in multiples), 3]
        with torch.device("meta"):
            layers = [nn.ConvTranspose2d(a, b, 4, bias=False) for a, b in zip(channels, channels[1:], strict=False)]
            layers += [nn.BatchNorm2d(c) for c in channels[1:-1]]
        if sum(p.numel() for layer in layers for p in layer.parameters()) + 3 > budget:
            return width - 1


def closest(latent_dim, budget, multiples):
    widths = np.arange(1, 200)
    return int(widths[np.argmin([abs(cost(latent_dim, int(width), multiples) - budget) for width in widths])])


# 2.3


def initialised(network, sigma=0.02):
    for module in network.modules():
        if isinstance(module, nn.ConvTranspose2d):
            module.weight.data.normal_(0, sigma)
    return network


class Generator(nn.Module):
    """The generator, written as a class; the arguments change one thing each."""

    def __init__(self, latent_dim, width, multiples, norm=True, first_norm=True, inner_bias=False, end_bias=True, k=4):
        super().__init__()
        self.first = nn.ConvTranspose2d(latent_dim, multiples[0] * width, 4, bias=inner_bias)
        norms = [nn.BatchNorm2d(m * width) if norm else nn.Identity() for m in multiples]
        self.norms = nn.ModuleList(norms if first_norm else [nn.Identity(), *norms[1:]])
        pairs = zip(multiples, [*multiples[1:], 0], strict=True)
        how = {"kernel_size": 4, "stride": 2, "padding": 1} if k == 4 else {"kernel_size": 2, "stride": 2}
        self.doubling = nn.ModuleList(
            nn.ConvTranspose2d(a * width, b * width or 3, bias=inner_bias if b else end_bias, **how) for a, b in pairs
        )
        initialised(self)

    def between(self, x):
        return torch.relu(x)

    def end(self, x):
        return torch.tanh(x)

    def forward(self, z):
        x = self.first(z.view(len(z), -1, 1, 1))
        for norm, layer in zip(self.norms, self.doubling, strict=True):
            x = layer(self.between(norm(x)))
        return self.end(x)


def as_class(latent_dim, width, multiples):
    return Generator(latent_dim, width, multiples)


def as_stages(latent_dim, width, multiples):
    def stage(before, after, *how):
        layers = [nn.ConvTranspose2d(before, after, *how, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            c = [m * width for m in multiples]
            self.stages = nn.Sequential(stage(latent_dim, c[0], 4, 1, 0))
            for before, after in zip(c, c[1:], strict=False):
                self.stages.append(stage(before, after, 4, 2, 1))
            self.to_rgb = nn.ConvTranspose2d(c[-1], 3, 4, 2, 1)
            self.apply(self.draw)

        @staticmethod
        @torch.no_grad()
        def draw(module):
            if isinstance(module, nn.ConvTranspose2d):
                module.weight.normal_(std=0.02)
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.normal_(1, 0.02)

        def forward(self, z):
            return self.to_rgb(self.stages(z.unsqueeze(-1).unsqueeze(-1))).tanh()

    return Net()


def changed(between=None, end=None, **how):
    """Return a make_generator of a Generator with other arguments, activations or end."""

    def answer(latent_dim, width, multiples):
        network = Generator(latent_dim, width, multiples, **how)
        network.between = between or network.between
        network.end = end or network.end
        return network

    return answer


def drawn(draw):
    def answer(latent_dim, width, multiples):
        network = Generator(latent_dim, width, multiples)
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose2d):
                draw(module)
        return network

    return answer


def with_own_draw(**how):
    """Return a make_generator of a Generator with other arguments and torch's own first weights."""

    def answer(latent_dim, width, multiples):
        network = Generator(latent_dim, width, multiples, **how)
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose2d):
                module.reset_parameters()
        return network

    return answer


def normed_at_the_end(latent_dim, width, multiples):
    network = Generator(latent_dim, width, multiples)
    network.last_norm = nn.BatchNorm2d(3)
    network.end = lambda x: network.last_norm(x).tanh()
    return network


def norm_after_relu(latent_dim, width, multiples):
    class Late(Generator):
        def forward(self, z):
            x = self.first(z[:, :, None, None])
            for norm, layer in zip(self.norms, self.doubling, strict=True):
                x = layer(norm(torch.relu(x)))
            return x.tanh()

    return Late(latent_dim, width, multiples)


def frozen_start(latent_dim, width, multiples):
    network = Generator(latent_dim, width, multiples)
    network.first.weight.requires_grad = False
    return network


def cut_in_forward(latent_dim, width, multiples):
    class Cut(Generator):
        def forward(self, z):
            with torch.no_grad():
                x = self.norms[0](self.first(z[:, :, None, None])).relu()
            for norm, layer in zip([None, *self.norms[1:]], self.doubling, strict=True):
                x = layer(norm(x).relu() if norm else x)
            return x.tanh()

    return Cut(latent_dim, width, multiples)


def grey(latent_dim, width, multiples):
    network = Generator(latent_dim, width, multiples)
    network.doubling[-1] = nn.ConvTranspose2d(multiples[-1] * width, 1, 4, 2, 1)
    return initialised(network)


# 2.4


def by_cross_entropy(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    g_optimizer.zero_grad()
    d_optimizer.zero_grad()
    with torch.no_grad():
        fake = generator(z_critic)
    real_logits, fake_logits = critic(real), critic(fake)
    critic_loss = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, target))
    critic_loss += F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    critic_loss.backward()
    d_optimizer.step()
    fake_logits = critic(generator(z_generator))
    generator_loss = F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))
    generator_loss.backward()
    g_optimizer.step()
    return [critic_loss.item(), generator_loss.item()]


def by_gradients(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    def move(optimizer, network, loss):
        for weight, gradient in zip(network.parameters(), torch.autograd.grad(loss, network.parameters()), strict=True):
            weight.grad = gradient
        optimizer.step()
        return loss.detach().numpy()

    fake_logits = critic(generator(z_critic).detach()).flip(0)
    real_logits = critic(real)
    real_loss = -target * F.logsigmoid(real_logits) - (1 - target) * F.logsigmoid(-real_logits)
    critic_loss = move(d_optimizer, critic, (real_loss - F.logsigmoid(-fake_logits)).mean())
    for weight in critic.parameters():
        weight.requires_grad_(False)
    generator_loss = move(g_optimizer, generator, -F.logsigmoid(critic(generator(z_generator))).mean())
    critic.requires_grad_(True)
    return critic_loss, generator_loss


def played(
    of_critic=None, of_generator=None, *, cut=True, zero=("d", "g"), moves=("d", "g"), late=False, first="d",
    reuse=False, one_batch=False, evaluated=False, turned=False,
):  # fmt: skip
    """Return a training_step that is right but for what the arguments change."""

    def default(real, fake, target):
        return (target * F.softplus(-real) + (1 - target) * F.softplus(real)).mean() + F.softplus(fake).mean()

    def critics(generator, critic, optimizer, real, z, target):
        if evaluated:
            generator.eval()
        fake = generator(z).detach() if cut else generator(z)
        generator.train()
        if one_batch:
            real_logits, fake_logits = critic(torch.cat((real, fake))).chunk(2)
        else:
            real_logits, fake_logits = critic(real), critic(fake)
        return go((of_critic or default)(real_logits, fake_logits, target), optimizer, "d")

    def generators(generator, critic, optimizer, z, target):
        logits = critic(generator(z))
        loss = of_generator(logits, target) if of_generator else F.softplus(-logits).mean()
        return go(loss, optimizer, "g")

    def go(loss, optimizer, who):
        if who in zero and not late:
            optimizer.zero_grad()
        loss.backward()
        if late:
            optimizer.zero_grad()
        if who in moves:
            optimizer.step()
        return loss.item()

    def answer(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
        def d():
            return critics(generator, critic, d_optimizer, real, z_critic, target)

        def g():
            return generators(generator, critic, g_optimizer, z_critic if reuse else z_generator, target)

        if first == "d":
            losses = d(), g()
        else:
            losses = (g(), d())[::-1]
        return losses[::-1] if turned else losses

    return answer


def both_sided(real, fake, target):
    real = target * F.softplus(-real) + (1 - target) * F.softplus(real)
    return real.mean() + ((1 - target) * F.softplus(-fake) + target * F.softplus(fake)).mean()


def clamped(real, fake, target):
    real, fake = torch.sigmoid(real).clamp(1e-7, 1 - 1e-7), torch.sigmoid(fake).clamp(1e-7, 1 - 1e-7)
    return -(target * real.log() + (1 - target) * (1 - real).log()).mean() - (1 - fake).log().mean()


def smoothed(real, fake, target):
    return (target * F.softplus(-real) + (1 - target) * F.softplus(real)).mean() + F.softplus(fake).mean()


# 2.5: which names are wrong depends on the variant.

HINTS = {
    "healthy": "a healthy run ends",
    "mode collapse": "after a collapse",
    "critic wins": "log(1 - D) is flat",
    "learning rate raised": "Look again: after a raise",
    "pixels not scaled": "Look again: 0",
    "fully connected": "single specks",
}


def strip(right):
    wrong = [(repr(name), words) for name, words in HINTS.items() if name != right]
    more = [("...", "not attempted"), ("'collapse'", ""), ("3", ""), ("', '.join(NAMES)", ""), ("[]", ""), ("''", "")]
    forgiven = [right, right.upper(), f" {right.title()}", f"{right}.", right.replace(" ", "-"), right.replace(" ", "")]
    return {"right": [repr(name) for name in forgiven], "wrong": wrong + more}


def answers(namespace):
    """Return ANSWERS for the variant that left `namespace`, a solved notebook's."""
    return ANSWERS | {f"strip-{letter}": strip(namespace[f"strip_{letter}"]) for letter in "abc"}


ANSWERS = {
    "output-padding": {
        "right": [padding_by_trial, padding_by_numpy, padding_by_search],
        "wrong": [
            (stub, "not attempted"),
            (lambda s, k, t, p: (s - k) % t, "You left out the padding"),
            (lambda s, k, t, p: (s + p - k) % t, "2p, not p"),
            (lambda s, k, t, p: (s - 2 * p - k) % t, "added"),
            (lambda s, k, t, p: (s + 2 * p) % t, "You left out the kernel"),
            (lambda s, k, t, p: (s + 2 * p - k + 1) % t, "off by one"),
            (lambda s, k, t, p: -((s + 2 * p - k) % t), "You returned it"),
            (lambda s, k, t, p: (k - s - 2 * p) % t, "next"),
            (lambda s, k, t, p: t - 1, "You returned the most"),
            (lambda s, k, t, p: s % t, "You used the side"),
            (lambda s, k, t, p: 0, "several sides"),
            (lambda s, k, t, p: (s + 2 * p - k) // t + 1, "side after the convolution"),
            (lambda s, k, t, p: math.floor((s + 2 * p - k) / t), "remainder"),
            (lambda s, k, t, p: s - padding_by_trial(s, k, t, p), "You returned the side that"),
            (lambda s, k, t, p: {(63, 3, 2, 1): 0, (64, 3, 2, 1): 1}.get((s, k, t, p), 0), "several sides"),
        ],
    },
    "reach": {
        "right": [patch_backwards, patch_by_numpy, patch_by_gradient],
        "wrong": [
            (stub, "not attempted"),
            (lambda layers: patch_backwards(layers[::-1]), "wrong order"),
            (lambda layers: 1 + sum(k - 1 for k, _ in layers), "You left out the strides"),
            (lambda layers: sum(k for k, _ in layers), "You added the"),
            (lambda layers: math.prod(k for k, _ in layers), "You multiplied the"),
            (lambda layers: patch_backwards(layers) - 1, "You are one too low"),
            (patch_with_k, "You added k"),
            (lambda layers: patch_with_k(layers) - 1, "You started from"),
            (patch_with_own_stride, "*after* it only"),
            (patch_with_last_stride, "their product"),
            (patch_shared, "You went back"),
            (lambda layers: math.prod(s for _, s in layers), "You returned how far"),
            (lambda layers: max(layers)[0], "largest kernel"),
            (lambda layers: patch_backwards(layers) ** 2, "number of pixels"),
            (lambda layers: {1: 4, 2: 5, 3: 1}.get(len(layers), 46), ""),
        ],
    },
    "widest": {
        "right": [widest, widest_by_formula, widest_by_networks],
        "wrong": [
            (stub, "not attempted"),
            (widest_by(lambda n, w, m: weights(n, w, m) + 3), "learns numbers, too"),
            (widest_by(lambda n, w, m: weights(n, w, m) + w * sum(m) + 3), "You counted one number"),
            (widest_by(lambda n, w, m: weights(n, w, m) + 4 * w * sum(m) + 3), "running"),
            (widest_by(lambda n, w, m: cost(n, w, m) + w * sum(m)), "You counted biases in"),
            (widest_by(lambda n, w, m: cost(n, w, m) - 3), "bias of the last layer"),
            (widest_by(lambda n, w, m: cost(n, w, m) - weights(n, w, m) * 3 / 4), "4 * 4"),
            (widest_by(lambda n, w, m: cost(n, w, m) - weights(n, w, m) * 7 / 16), "You counted kernels"),
            (widest_by(lambda n, w, m: cost(n, w, m) - 32 * w * m[-1] - 2), "three colours"),
            (widest_by(lambda n, w, m: cost(n, w, m) - 48 * w * m[-1]), "You left out the last layer's weights"),
            (widest_by(lambda n, w, m: cost(n, w, m) - 16 * n * w * m[0]), "You left out the first"),
            (lambda n, b, m: widest(n, b, m[::-1]), "wrong order"),
            (closest, "nearest"),
            (lambda n, b, m: widest(n, b, m) + 1, "You are one too high"),
            (lambda n, b, m: widest(n, b, m) - 1, "You are one too low"),
            (lambda n, b, m: widest(n, b - 1, m), "equality"),
            (lambda n, b, m: widest(n, b, m) - widest(n, b, m) % 8, "multiples of 8"),
            (lambda n, b, m: cost(n, widest(n, b, m), m), "number of parameters"),
            (lambda n, b, m: {1400: 3, 1500: 4, 933: 3, 932: 2}.get(b, 32), ""),
        ],
    },
    "generator": {
        "right": [as_class, as_stages],
        "wrong": [
            (stub, "not attempted"),
            (changed(end=lambda x: x), "no bounds"),
            (changed(end=torch.sigmoid), "You ended in"),
            (changed(end=lambda x: x.relu().tanh()), "nothing darker"),
            (changed(norm=False), "no batch normalisation"),
            (changed(first_norm=False), "You did not normalise"),
            (normed_at_the_end, "You put batch"),
            (norm_after_relu, "You put ReLU"),
            (changed(inner_bias=True), "You gave every"),
            (with_own_draw(inner_bias=True), "Two things. You gave every convolution a bias"),
            (changed(end_bias=False), "You left out the last layer's bias"),
            (with_own_draw(end_bias=False), "Two things. You left out the last"),
            (grey, "You made pictures"),
            (lambda n, w, m: Generator(n, w, m[:-1]), "You left out a"),
            (changed(k=2), "kernel 4"),
            (changed(between=lambda x: F.leaky_relu(x, 0.2)), "for the critic"),
            (changed(between=torch.tanh), "saturates"),
            (changed(between=lambda x: x), "no ReLU"),
            (drawn(lambda m: m.reset_parameters()), "as torch's own"),
            (lambda n, w, m: initialised(Generator(n, w, m), 0.2), "ten times"),
            (lambda n, w, m: initialised(Generator(n, w, m), 0.02**2), "You squared 0.02"),
            (frozen_start, "You froze the"),
            (cut_in_forward, "You cut the"),
            (lambda n, w, m: Generator(100, 64, (8, 4, 2, 1)), "channels do not fit"),
        ],
    },
    "training-step": {
        "right": [by_cross_entropy, by_gradients, played()],
        "wrong": [
            (lambda *arguments: (..., ...), "not attempted"),
            (played(cut=False), "detach the fakes"),
            (played(zero=("g",)), "d_optimizer.zero_grad() is missing"),
            (played(zero=("d",)), "g_optimizer.zero_grad()"),
            (played(zero=()), "both players"),
            (played(late=True), "between backward() and step()"),
            (played(reuse=True), "z_generator"),
            (played(first="g"), "moves first"),
            (played(moves=("g",)), "You did not move the critic"),
            (played(moves=("d",)), "You did not move the generator"),
            (played(one_batch=True), "You sent real"),
            (played(evaluated=True), "evaluation mode"),
            (played(lambda r, f, t: F.softplus(-r).mean() + F.softplus(f).mean()), "You left out"),
            (played(both_sided), "You smoothed the fakes"),
            (played(lambda r, f, t: smoothed(r, f, 1 - t)), "You swapped target"),
            (played(lambda r, f, t: t * F.softplus(-r).mean() + F.softplus(f).mean()), "second half"),
            (played(lambda r, f, t: smoothed(f, r, t)), "You swapped real"),
            (played(lambda r, f, t: -smoothed(r, f, t)), "sign"),
            (played(lambda r, f, t: smoothed(r, f, t) / 2), "half of the critic's loss"),
            (played(lambda r, f, t: len(r) * smoothed(r, f, t), lambda f, t: F.softplus(-f).sum()), "take means"),
            (played(lambda r, f, t: smoothed(r.sigmoid(), f.sigmoid(), t)), "a sigmoid too many"),
            (played(clamped), "use the logits"),
            (
                played(None, lambda f, t: (t * F.softplus(-f) + (1 - t) * F.softplus(f)).mean()),
                "You smoothed the generator's",
            ),
            (played(None, lambda f, t: F.logsigmoid(-f).mean()), "minimax"),
            (played(None, lambda f, t: F.softplus(f).mean()), "You made the"),
            (played(turned=True), "wrong order"),
        ],
    },
}


def with_norms(**settings):
    """Return a make_generator whose batch normalisations have other settings."""

    def answer(latent_dim, width, multiples):
        network = Generator(latent_dim, width, multiples)
        for norm in network.norms:
            for name, value in settings.items():
                setattr(norm, name, value)
        return network

    return answer


def with_first_weights(draw, of_norms=None):
    def answer(latent_dim, width, multiples):
        network = Generator(latent_dim, width, multiples)
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose2d):
                draw(module.weight)
            elif isinstance(module, nn.BatchNorm2d) and of_norms:
                of_norms(module.weight)
        return network

    return answer


def around(right, after):
    """Return a training_step that does one thing more when it is done."""

    def answer(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
        losses = right(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target)
        after(generator, critic, real, z_generator)
        return losses

    return answer


def critic_late(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    """Move the critic along its loss, but not before the generator's backward pass is done."""
    critic_loss = smoothed(critic(real), critic(generator(z_critic).detach()), target)
    d_optimizer.zero_grad()
    critic_loss.backward()
    generator_loss = F.softplus(-critic(generator(z_generator))).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    g_optimizer.step()
    d_optimizer.step()
    return critic_loss.item(), generator_loss.item()


def critic_twice(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    """Move the critic twice along the same fakes."""
    for _ in range(2):
        critic_loss = smoothed(critic(real), critic(generator(z_critic).detach()), target)
        d_optimizer.zero_grad()
        critic_loss.backward()
        d_optimizer.step()
    generator_loss = F.softplus(-critic(generator(z_generator))).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    g_optimizer.step()
    return critic_loss.item(), generator_loss.item()


def with_clamped_logits(most):
    return played(
        lambda real, fake, target: smoothed(real.clamp(-most, most), fake.clamp(-most, most), target),
        lambda fake, target: F.softplus(-fake.clamp(-most, most)).mean(),
    )


def small_draws(weight):
    return nn.init.normal_(weight, 0, 0.02)


def by_log_of_d(clamp):
    """Return a training step whose critic's loss takes logs of a D that is clamped at 1 - `clamp`."""

    def loss(real, fake, target):
        real, fake = (logits.sigmoid().clamp(clamp, 1 - clamp) for logits in (real, fake))
        return -(target * real.log() + (1 - target) * (1 - real).log()).mean() - (1 - fake).log().mean()

    return played(loss)


def patch_by_each_own_stride(layers):
    return 1 + sum((kernel - 1) * stride for kernel, stride in layers)


ADDED = {  # of a review: answers that once had full marks, or no hint, or an untrue one
    "output-padding": {
        "wrong": [(lambda s, k, t, p: s + 2 * p - k - round((s + 2 * p - k) / t) * t, "You rounded to")]
    },
    "reach": {
        "wrong": [
            (lambda layers: patch_backwards([layers.pop(0) for _ in range(len(layers))]), "You changed the"),
            (patch_by_each_own_stride, "You used each layer's own stride"),
        ]
    },
    "widest": {"wrong": [(lambda n, b, m: min(128, widest_by_formula(n, b, m)), "You stop looking at 128")]},
    "generator": {
        "right": [with_first_weights(small_draws, lambda w: nn.init.normal_(w, 1, 0.02))],
        "wrong": [
            (with_first_weights(small_draws, small_draws), "scales about 0"),
            (lambda *given: Generator(*given).eval(), "evaluation mode"),
            (with_norms(momentum=0.0), "running averages"),
            (with_norms(track_running_stats=False, running_mean=None, running_var=None), "running averages"),
            (with_first_weights(lambda w: nn.init.uniform_(w, -0.02, 0.02)), "uniform distribution"),
            (with_first_weights(lambda w: nn.init.uniform_(w, -0.0346, 0.0346)), "uniform distribution"),
            (with_first_weights(nn.init.xavier_normal_), "goes with the layer's size"),
        ],
    },
    "training-step": {
        "wrong": [
            (around(by_cross_entropy, lambda g, c, real, z: c(real)), "through the critic once more"),
            (around(by_cross_entropy, lambda g, c, real, z: g(z)), "through the generator once more"),
            (around(by_cross_entropy, lambda g, c, real, z: (g.eval(), c.eval())), "You left both networks in eval"),
            (around(by_cross_entropy, lambda g, c, real, z: g.eval()), "You left the generator in evaluation"),
            (around(by_cross_entropy, lambda g, c, real, z: c.eval()), "You left the critic in evaluation"),
            (around(by_cross_entropy, lambda g, c, real, z: c.requires_grad_(False)), "You froze the critic"),
            (critic_late, "moves last"),
            (critic_twice, "Your critic moves twice"),
            (by_log_of_d(0.0), "even if you clamp it at"),
            (by_log_of_d(1e-8), "even if you clamp it at"),
            (by_log_of_d(1e-5), "You clamped D"),
            (with_clamped_logits(20), "You clamped the logits"),
            (with_clamped_logits(50), "You clamped the logits"),
            (around(by_cross_entropy, lambda g, c, real, z: real.zero_()), "You changed the `real`"),
            (lambda g, c, go, do, x, a, b, t: by_cross_entropy(g, c, go, do, x, b, a, t), "You exchanged z_critic"),
        ],
    },
}


class MadeInAnotherOrder(nn.Module):
    """A right generator whose layers are made in another order than that in which they run."""

    def __init__(self, latent_dim, width, multiples):
        super().__init__()
        channels = [m * width for m in multiples]
        ends = list(zip(channels, [*channels[1:], 3], strict=True))
        self.doubling = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=b == 3) for a, b in ends)
        self.norms = nn.ModuleList(nn.BatchNorm2d(a) for a in channels)
        self.first = nn.ConvTranspose2d(latent_dim, channels[0], 4, bias=False)
        for layer in (self.first, *self.doubling):
            layer.weight = nn.Parameter(0.02 * torch.randn_like(layer.weight))

    def forward(self, z):
        x = self.first(z.view(*z.shape, 1, 1))
        for norm, layer in zip(self.norms, self.doubling, strict=True):
            x = layer(F.relu(norm(x)))
        return torch.tanh(x)


def after_a_seed(*given):
    torch.manual_seed(0)
    return MadeInAnotherOrder(*given)


def with_dropout(latent_dim, width, multiples):
    return changed(between=lambda x: F.dropout(x.relu(), 0.3))(latent_dim, width, multiples)


def by_upsampling(latent_dim, width, multiples):
    channels = [m * width for m in multiples]
    layers = [nn.Unflatten(1, (latent_dim, 1, 1)), nn.ConvTranspose2d(latent_dim, channels[0], 4, bias=False)]
    for before, after in zip(channels, [*channels[1:], 3], strict=True):
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.Upsample(scale_factor=2)]
        layers += [nn.Conv2d(before, after, 4, padding="same", bias=after == 3)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
    return nn.Sequential(*layers, nn.Tanh())


def critic_with_the_generators_gradient(
    generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target
):
    critic_loss = smoothed(critic(real), critic(generator(z_critic).detach()), target)
    d_optimizer.zero_grad()
    critic_loss.backward()
    generator_loss = F.softplus(-critic(generator(z_generator))).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    d_optimizer.step()
    g_optimizer.step()
    return critic_loss.item(), generator_loss.item()


def one_gradient_twice(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    critic_loss = smoothed(critic(real), critic(generator(z_critic).detach()), target)
    d_optimizer.zero_grad()
    critic_loss.backward()
    d_optimizer.step()
    d_optimizer.step()
    generator_loss = F.softplus(-critic(generator(z_generator))).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    g_optimizer.step()
    return critic_loss.item(), generator_loss.item()


def generator_without_gradient(generator, critic, g_optimizer, d_optimizer, real, z_critic, z_generator, target):
    critic_loss = smoothed(critic(real), critic(generator(z_critic).detach()), target)
    d_optimizer.zero_grad()
    critic_loss.backward()
    d_optimizer.step()
    with torch.no_grad():
        fake = generator(z_generator)
    generator_loss = F.softplus(-critic(fake)).mean()
    g_optimizer.zero_grad()
    generator_loss.backward()
    g_optimizer.step()
    return critic_loss.item(), generator_loss.item()


def all_in_eval(generator, critic, *rest):
    generator.eval(), critic.eval()
    return by_cross_entropy(generator, critic, *rest)


def with_small_number(real, fake, target, eps=1e-8):
    real, fake = real.sigmoid(), fake.sigmoid()
    of_real = target * (real + eps).log() + (1 - target) * (1 - real + eps).log()
    return -of_real.mean() - (1 - fake + eps).log().mean()


def told_the_wrong_way(real, fake, target):
    return (target * F.softplus(real) + (1 - target) * F.softplus(-real)).mean() + F.softplus(-fake).mean()


def smoothed_fakes(real, fake, target):
    return F.softplus(-real).mean() + (target * F.softplus(fake) + (1 - target) * F.softplus(-fake)).mean()


AGAIN = {  # of a second review, its answers written before this bank was read
    "output-padding": {
        "wrong": [
            (lambda s, k, t, p: (s + 2 * p - k) % t if t > 1 else 1, ""),
            (lambda s, k, t, p: (s + 2 * p - k) % t if s > k else 0, ""),
        ]
    },
    "widest": {"wrong": [(lambda n, b, m: widest_by_formula(n, b, m[:4]), "")]},
    "generator": {
        "right": [MadeInAnotherOrder],
        "wrong": [
            (with_norms(momentum=0.9), "as torch makes them"),
            (with_norms(momentum=None), "as torch makes them"),
            (after_a_seed, "You set a seed inside"),
            (with_dropout, "You put dropout"),
            (by_upsampling, "You doubled the sides by nn.Upsample"),
        ],
    },
    "training-step": {
        "wrong": [
            (critic_with_the_generators_gradient, "You called d_optimizer.step() after the generator's backward()"),
            (one_gradient_twice, "You called d_optimizer.step() twice"),
            (generator_without_gradient, "You cut the generator's move off"),
            (all_in_eval, "You put both networks in evaluation mode"),
            (played(with_small_number), "You added a small number inside the logs"),
            (
                played(with_small_number, lambda fake, target: -(fake.sigmoid() + 1e-8).log().mean()),
                "You added a small number inside the logs",
            ),
            (played(told_the_wrong_way), "You told the critic that its fakes are real"),
            (
                played(told_the_wrong_way, lambda fake, target: F.softplus(fake).mean()),
                "You exchanged the labels for both players",
            ),
            (played(smoothed_fakes), "You smoothed the fakes in place"),
        ],
    },
}
for part, more in (*ADDED.items(), *AGAIN.items()):
    for kind, some in more.items():
        ANSWERS[part][kind] += some
