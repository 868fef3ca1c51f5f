"""What has weights: generators, translators, critics, VAEs, classifiers; and what is done with their latents."""

from ganlab.models import trained
from ganlab.models.augment import DiffAugment
from ganlab.models.classifier import Classifier
from ganlab.models.conditional import (
    ConditionalEncoder,
    ConditionalGenerator,
    ConditionalVAE,
    Given,
    ProjectionCritic,
    class_weights,
    conditional_critic,
    conditional_generator,
    conditional_vae,
    given,
)
from ganlab.models.dcgan import DCGANCritic, DCGANGenerator, halvings, spectrally_normalised
from ganlab.models.latent import LINES, interpolate, latents, slerp
from ganlab.models.mlp import MLPCritic, MLPGenerator, mlp, mlp_input_gradient
from ganlab.models.modes import count_parameters, evaluating, frozen
from ganlab.models.patch import PatchCritic, receptive_field
from ganlab.models.resnet import ResNetGenerator
from ganlab.models.restoring import Inpainter, SuperResolver
from ganlab.models.stylist import Stylist
from ganlab.models.translating import translate, translate_tiled
from ganlab.models.trunk import FeatureTrunk
from ganlab.models.unet import UNet
from ganlab.models.vae import LIKELIHOODS, VAE, ActiveVAE, conv_vae, mlp_vae

__all__ = [
    "LIKELIHOODS",
    "LINES",
    "VAE",
    "ActiveVAE",
    "Classifier",
    "ConditionalEncoder",
    "ConditionalGenerator",
    "ConditionalVAE",
    "DCGANCritic",
    "DCGANGenerator",
    "DiffAugment",
    "FeatureTrunk",
    "Given",
    "Inpainter",
    "MLPCritic",
    "MLPGenerator",
    "PatchCritic",
    "ProjectionCritic",
    "ResNetGenerator",
    "Stylist",
    "SuperResolver",
    "UNet",
    "class_weights",
    "conditional_critic",
    "conditional_generator",
    "conditional_vae",
    "conv_vae",
    "count_parameters",
    "evaluating",
    "frozen",
    "given",
    "halvings",
    "interpolate",
    "latents",
    "mlp",
    "mlp_input_gradient",
    "mlp_vae",
    "receptive_field",
    "slerp",
    "spectrally_normalised",
    "trained",
    "translate",
    "translate_tiled",
]
