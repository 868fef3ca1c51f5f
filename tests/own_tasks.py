"""Tasks as a reader would write them, on the package's `Task`: a denoiser, pix2pix, flow matching."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlab import losses, models, train


class Denoiser(train.Task):
    """A network that takes noise out of images; with dropout and batch norm inside, so that modes matter."""

    averaged = "network"
    panels = ({"loss": "squared error"},)

    def step(self, run: train.Stage, k: int) -> dict[str, Tensor]:
        x = run.batch(k).x
        noise = torch.randn(x.shape, generator=run.generator("noise", k), device=run.device)
        with run.precision.autocast(run.device):
            cleaned = run.networks["network"](x + 0.3 * noise).float()
        loss = F.mse_loss(cleaned, x)
        run.optimizers["network"].zero_grad()
        loss.backward()
        run.optimizers["network"].step()
        return {"loss": loss.detach()}

    def latents(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, 1, 8, 8, generator=generator, device=generator.device)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        return network(z).tanh()


class Pix2Pix(train.Task):
    """A generator from one picture to its pair, and a critic that sees both: hinge loss and L1."""

    averaged = "generator"
    panels = ({"critic_loss": "critic", "generator_loss": "generator"}, {"distance": "L1"})

    def step(self, run: train.Stage, k: int) -> dict[str, Tensor]:
        generator, critic = run.networks["generator"], run.networks["critic"]
        x, pair = run.batch(k).x, run.batch(k).pair
        fake = generator(x)
        hinge = losses.objective("hinge")
        real_logits = critic(torch.cat([x, pair], 1))
        critic_loss = hinge.critic(real_logits, critic(torch.cat([x, fake.detach()], 1))).mean()
        run.optimizers["critic"].zero_grad()
        critic_loss.backward()
        run.optimizers["critic"].step()
        distance = (fake - pair).abs().mean()
        with models.frozen(critic):
            generator_loss = hinge.generator(critic(torch.cat([x, fake], 1))).mean() + 10 * distance
        run.optimizers["generator"].zero_grad()
        generator_loss.backward()
        run.optimizers["generator"].step()
        return {
            "critic_loss": critic_loss.detach(),
            "generator_loss": generator_loss.detach(),
            "distance": distance.detach(),
        }


class FlowMatching(train.Task):
    """A network of (point, time) -> velocity, which carries normal noise to the data along straight lines."""

    averaged = "velocity"

    def step(self, run: train.Stage, k: int) -> dict[str, Tensor]:
        x = run.batch(k).x
        z = self.latents(len(x), run.generator("noise", k))
        t = torch.rand(len(x), 1, generator=run.generator("time", k), device=run.device)
        aim = run.networks["velocity"](torch.cat([(1 - t) * z + t * x, t], 1))
        loss = (aim - (x - z)).square().sum(1).mean()
        run.optimizers["velocity"].zero_grad()
        loss.backward()
        run.optimizers["velocity"].step()
        return {"loss": loss.detach()}

    def latents(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, 2, generator=generator, device=generator.device)

    def images(self, network: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        for step in range(20):
            t = torch.full((len(z), 1), step / 20, device=z.device)
            z = z + network(torch.cat([z, t], 1)) / 20
        return z
