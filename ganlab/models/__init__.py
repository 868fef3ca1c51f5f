"""What has weights: generators, translators, critics, VAEs, flows, classifiers; and what is done with their latents."""

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
from ganlab.models.flow import Flow, flow_log_density, flow_mlp, flow_path, flow_unet, guided, move
from ganlab.models.latent import LINES, interpolate, latents, slerp
from ganlab.models.mlp import MLPCritic, MLPGenerator, mlp, mlp_input_gradient
from ganlab.models.modes import count_parameters, evaluating, frozen
from ganlab.models.patch import PatchCritic, receptive_field
from ganlab.models.resnet import ResNetGenerator
from ganlab.models.restoring import Inpainter, SuperResolver
from ganlab.models.stylist import Stylist
from ganlab.models.timed import TimedMLP, TimedUNet
from ganlab.models.translating import translate, translate_tiled
from ganlab.models.trunk import FeatureTrunk
from ganlab.models.unet import UNet
from ganlab.models.vae import LIKELIHOODS, VAE, ActiveVAE, conv_vae, mlp_vae
from ganlab.models.video import BothCritics, ClipCritic, ClipGenerator, FrameCritic, MotionGenerator, SpriteGenerator

__all__ = [
    "LIKELIHOODS",
    "LINES",
    "VAE",
    "ActiveVAE",
    "BothCritics",
    "Classifier",
    "ClipCritic",
    "ClipGenerator",
    "ConditionalEncoder",
    "ConditionalGenerator",
    "ConditionalVAE",
    "DCGANCritic",
    "DCGANGenerator",
    "DiffAugment",
    "FeatureTrunk",
    "Flow",
    "FrameCritic",
    "Given",
    "Inpainter",
    "MLPCritic",
    "MLPGenerator",
    "MotionGenerator",
    "PatchCritic",
    "ProjectionCritic",
    "ResNetGenerator",
    "SpriteGenerator",
    "Stylist",
    "SuperResolver",
    "TimedMLP",
    "TimedUNet",
    "UNet",
    "class_weights",
    "conditional_critic",
    "conditional_generator",
    "conditional_vae",
    "conv_vae",
    "count_parameters",
    "evaluating",
    "flow_log_density",
    "flow_mlp",
    "flow_path",
    "flow_unet",
    "frozen",
    "given",
    "guided",
    "halvings",
    "interpolate",
    "latents",
    "mlp",
    "mlp_input_gradient",
    "mlp_vae",
    "move",
    "receptive_field",
    "slerp",
    "spectrally_normalised",
    "trained",
    "translate",
    "translate_tiled",
]
