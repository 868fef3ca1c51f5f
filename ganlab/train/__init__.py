"""What changes weights: runs of a GAN, a VAE, a classifier, and the steps that they take."""

from ganlab.train.classifier import ClassifierRun, ClassifierSettings, accuracy, fit_classifier
from ganlab.train.ensemble import Ensemble
from ganlab.train.gan import GANRun, GANSettings, adam, fit_gan
from ganlab.train.run import Keep, Run, Source, load_run
from ganlab.train.schedules import annealed, warmed_up
from ganlab.train.steps import clip_weights, critic_step, generator_step, update_ema, vae_step
from ganlab.train.vae import VAERun, VAESettings, bounds, fit_vae

__all__ = [
    "ClassifierRun",
    "ClassifierSettings",
    "Ensemble",
    "GANRun",
    "GANSettings",
    "Keep",
    "Run",
    "Source",
    "VAERun",
    "VAESettings",
    "accuracy",
    "adam",
    "annealed",
    "bounds",
    "clip_weights",
    "critic_step",
    "fit_classifier",
    "fit_gan",
    "fit_vae",
    "generator_step",
    "load_run",
    "update_ema",
    "vae_step",
    "warmed_up",
]
