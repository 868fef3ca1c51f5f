"""What changes weights: a run of a GAN, a VAE, a classifier or a task of one's own, and the steps that runs take."""

from ganlab.train import parallel, steps
from ganlab.train.classifier import ClassifierSettings, ClassifierTask, accuracy, fit_classifier
from ganlab.train.cycle import CycleGANSettings, CycleGANTask, fit_cyclegan
from ganlab.train.ensemble import Ensemble
from ganlab.train.flow import FlowSettings, FlowTask, fit_flow, velocity_loss
from ganlab.train.gan import GANSettings, GANTask, fit_gan
from ganlab.train.keep import Keep, load_run
from ganlab.train.precision import measured_precision
from ganlab.train.run import Run
from ganlab.train.schedules import annealed, warmed_up
from ganlab.train.steps import (
    clip_weights,
    critic_step,
    cycle_step,
    generator_step,
    translation_step,
    update_ema,
    vae_step,
)
from ganlab.train.style import StyleSettings, StyleTask, fit_style, paint, restyled
from ganlab.train.task import Settings, Stage, Task
from ganlab.train.translation import Translating, TranslationSettings, TranslationTask, fit_translation
from ganlab.train.vae import VAESettings, VAETask, bounds, fit_vae, held_out_bound

__all__ = [
    "ClassifierSettings",
    "ClassifierTask",
    "CycleGANSettings",
    "CycleGANTask",
    "Ensemble",
    "FlowSettings",
    "FlowTask",
    "GANSettings",
    "GANTask",
    "Keep",
    "Run",
    "Settings",
    "Stage",
    "StyleSettings",
    "StyleTask",
    "Task",
    "Translating",
    "TranslationSettings",
    "TranslationTask",
    "VAESettings",
    "VAETask",
    "accuracy",
    "annealed",
    "bounds",
    "clip_weights",
    "critic_step",
    "cycle_step",
    "fit_classifier",
    "fit_cyclegan",
    "fit_flow",
    "fit_gan",
    "fit_style",
    "fit_translation",
    "fit_vae",
    "generator_step",
    "held_out_bound",
    "load_run",
    "measured_precision",
    "paint",
    "parallel",
    "restyled",
    "steps",
    "translation_step",
    "update_ema",
    "vae_step",
    "velocity_loss",
    "warmed_up",
]
