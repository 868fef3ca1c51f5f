"""One move of each player, as the mathematics reads: `ganlab.train` puts them into a run, a lesson into a loop."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ganlab import losses, probability
from ganlab.models.modes import frozen
from ganlab.runtime import FLOAT32, Precision

Regulariser = Callable[[nn.Module, Tensor, Tensor], Tensor]  # of critic, real, fake (B, ...): (B,), with its weight


def critic_step(
    critic: nn.Module,
    generator: nn.Module,
    optimizer: torch.optim.Optimizer,
    real: Tensor,
    z: Tensor,
    objective: losses.Objective,
    *,
    precision: Precision = FLOAT32,
    regulariser: Regulariser | None = None,
) -> dict[str, Tensor]:
    """Move the critic one step towards telling `real` (B, ...) from the fakes G(z), z (B, latent_dim).

    Returns "critic_loss" (nats) and "d_real", "d_fake", the mean D on either batch, as tensors on the device.
    The networks run in `precision`, the loss always in float32. So does all of `regulariser(critic, real, fake)`, (B,),
    whose mean is added to the loss.
    """
    with precision.autocast(real.device):
        with torch.no_grad():  # the generator is not the one that learns here
            fake = generator(z)
        real_logits, fake_logits = critic(real).float(), critic(fake).float()
    loss = objective.critic(real_logits, fake_logits).mean()
    if regulariser is not None:
        loss = loss + regulariser(critic, real, fake.float()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    d_real, d_fake = real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean()
    return {"critic_loss": loss.detach(), "d_real": d_real, "d_fake": d_fake}


def generator_step(
    generator: nn.Module,
    critic: nn.Module,
    optimizer: torch.optim.Optimizer,
    z: Tensor,
    objective: losses.Objective,
    *,
    precision: Precision = FLOAT32,
    real: Tensor | None = None,
) -> dict[str, Tensor]:
    """Move the generator one step towards fakes G(z) that the critic takes for real; z (B, latent_dim).

    A paired objective compares them with `real` (B, ...). Returns "generator_loss" (nats) as a tensor on the device.
    Networks and loss compute as in `critic_step`.
    """
    with frozen(critic):
        with precision.autocast(z.device):
            fake_logits = critic(generator(z)).float()
            with torch.no_grad():
                others = (critic(real).float(),) if objective.paired else ()
        loss = objective.generator(fake_logits, *others).mean()
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
    return {"generator_loss": loss.detach()}


def translation_step(
    generator: nn.Module,
    critic: nn.Module | None,
    optimizers: dict[str, torch.optim.Optimizer],
    x: Tensor,
    pair: Tensor,
    objective: losses.Objective,
    *,
    distance: losses.Distance = losses.absolute_error,
    adversarial_weight: float = 0.0,
    precision: Precision = FLOAT32,
) -> dict[str, Tensor]:
    """Move the critic one step, then the generator, in the game of pix2pix (Isola et al. 2017).

    G translates `pair` (B, C', H', W') and comes near x (B, C, H, W), its loss the mean of distance(G(pair), x), with
    pix2pix L1, + adversarial_weight * the objective's; the critic tells (x, pair) from (G(pair), pair). At weight 0 it
    rests, and there is the distance alone. Returns "l1", the mean of |G(pair) - x|, where another distance is descended
    "distance", its mean, and with a critic "critic_loss", "generator_loss" (the objective's part, unweighted), "d_real"
    and "d_fake", 0 while it rests, as tensors on the device. Networks and losses compute as in `critic_step`.
    """
    with precision.autocast(x.device):
        fake = generator(pair)
    fake = fake.float()
    l1 = losses.absolute_error(fake, x).mean()
    apart = l1 if distance is losses.absolute_error else distance(fake, x).mean()
    loss = apart
    rest = torch.zeros_like(l1.detach())
    record = {} if critic is None else dict.fromkeys(("critic_loss", "d_real", "d_fake", "generator_loss"), rest)
    if critic is not None and adversarial_weight:

        def beside_pair(pictures: Tensor) -> Tensor:
            return critic(pictures, pair)

        record |= critic_step(
            beside_pair, lambda _: fake.detach(), optimizers["critic"], x, pair, objective, precision=precision
        )
        with frozen(critic), precision.autocast(x.device):
            fake_logits = critic(fake, pair).float()
            with torch.no_grad():
                others = (critic(x, pair).float(),) if objective.paired else ()
        adversarial = objective.generator(fake_logits, *others).mean()
        record["generator_loss"] = adversarial.detach()
        loss = apart + adversarial_weight * adversarial
    optimizers["generator"].zero_grad()
    loss.backward()
    optimizers["generator"].step()
    record |= {} if distance is losses.absolute_error else {"distance": apart.detach()}
    return record | {"l1": l1.detach()}


def _l1(made: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """Return the sum of the mean absolute differences of each picture from the true one."""
    return sum((each.float() - other).abs().mean() for each, other in zip(made, true, strict=True))


def cycle_step(
    networks: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    x: Tensor,
    pair: Tensor,
    objective: losses.Objective,
    remembered: Callable[[str, Tensor], Tensor],
    *,
    cycle_weight: float = 10.0,
    identity_weight: float = 0.5,
    precision: Precision = FLOAT32,
) -> dict[str, Tensor]:
    """Move both generators one step, then both critics, in the game of CycleGAN (Zhu et al. 2017).

    The `generator` G translates `pair` (B, C', H, W) into pictures like x (B, C, H, W), `back` F pictures like x into
    some like `pair`; x and `pair` are of different things. Their loss: both objectives, which `critic` judges of
    pictures like x and `back_critic` of those like `pair`, + cycle_weight * (the mean of |F(G(pair)) - pair| + that of
    |G(F(x)) - x|) + cycle_weight * identity_weight * (the means of |G(x) - x| and of |F(pair) - pair|), the last for
    equal channels only, as it keeps what is right already. The critics learn from `remembered(name, fakes)` in place of
    their fakes. Returns sums over both ways, "critic_loss", "generator_loss" (the objectives), "cycle", "identity", as
    tensors on the device. Networks and losses compute as in `critic_step`.
    """
    generator, back = networks["generator"], networks["back"]
    sides = {"critic": (networks["critic"], x), "back_critic": (networks["back_critic"], pair)}
    fakes: dict[str, Tensor] = {}
    with frozen(networks["critic"]), frozen(networks["back_critic"]):
        with precision.autocast(x.device):
            fakes["critic"] = generator(pair)
            fakes["back_critic"] = back(x)
            again = generator(fakes["back_critic"]), back(fakes["critic"])
            same = (generator(x), back(pair)) if identity_weight and x.shape == pair.shape else ()
            judged = {name: critic(fakes[name]) for name, (critic, _) in sides.items()}
        adversarial = sum(objective.generator(logits.float()).mean() for logits in judged.values())
        cycle = _l1(again, (x, pair))
        identity = _l1(same, (x, pair)) if same else torch.zeros_like(cycle)
        loss = adversarial + cycle_weight * (cycle + identity_weight * identity)
        optimizers["generator"].zero_grad()
        loss.backward()
    optimizers["generator"].step()
    critic_loss = torch.zeros_like(cycle.detach())
    for name, (critic, real) in sides.items():
        past = remembered(name, fakes[name].detach().float())
        with precision.autocast(x.device):
            logits = critic(real).float(), critic(past).float()
        critic_loss = critic_loss + objective.critic(*logits).mean()
    optimizers["critic"].zero_grad()
    critic_loss.backward()
    optimizers["critic"].step()
    return {
        "critic_loss": critic_loss.detach(),
        "generator_loss": adversarial.detach(),
        "cycle": cycle.detach(),
        "identity": identity.detach(),
    }


def vae_step(
    vae: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    eps: Tensor,
    *,
    beta: float = 1.0,
    free_bits: float = 0.0,
    precision: Precision = FLOAT32,
) -> dict[str, Tensor]:
    """Move encoder and decoder one step up their bound for images x (B, C, H, W); eps (K, B, latent_dim) is normal.

    K = 1 maximises the ELBO, its KL in closed form and weighted by `beta`; a latent dimension whose mean KL is below
    `free_bits` nats is not pushed further down (Kingma et al. 2016). K > 1 maximises the importance-weighted bound.
    Returns "bound" and "kl", means in nats, as tensors on the device; for K = 1, log p(x | z) is their sum.
    """
    with precision.autocast(x.device):
        mu, logvar = vae.encode(x)
        kl = probability.gaussian_kl(mu, logvar)  # (B, latent_dim)
        if len(eps) == 1:
            log_p_x = vae.log_p_x_given_z(x, probability.reparameterise(mu, logvar, eps[0]))
            bound = probability.elbo(log_p_x, kl.sum(1)).mean()
            loss = beta * kl.mean(0).clamp(min=free_bits).sum() - log_p_x.mean()
        else:
            bound = probability.importance_bound(vae.log_weights(x, mu, logvar, eps)).mean()
            loss = -bound
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {"bound": bound.detach(), "kl": kl.detach().sum(1).mean()}


@torch.no_grad()
def clip_weights(critic: nn.Module, most: float) -> None:
    """Bring every weight into [-most, most], as the first Wasserstein GAN did (Arjovsky et al. 2017)."""
    for weight in critic.parameters():
        weight.clamp_(-most, most)


@torch.no_grad()
def update_ema(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Set `average` to decay * average + (1 - decay) * model, weight by weight; buffers are copied as they are."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for kept, new in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(new)
