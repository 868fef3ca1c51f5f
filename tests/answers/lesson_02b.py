"""Answers to the exercises of lesson 02b as different people would write them, right and wrong; see test_check.py."""

import numpy as np
import torch
import torch.nn.functional as F

from ganlab import losses


def faults(a, b, c, d):
    return {"A": a, "B": b, "C": c, "D": d}


def as_in_the_solution(fake_logits, chosen):
    loss = F.softplus(-fake_logits)
    return loss[chosen].sum() / loss.sum()


def by_log_d(fake_logits, chosen):
    log_d = losses.log_d(fake_logits)  # both signs are negative, which cancels
    return (log_d * chosen).sum() / log_d.sum()


def by_numpy(fake_logits, chosen):
    loss = np.logaddexp(0, -fake_logits.numpy().astype(float))
    return loss[chosen.numpy()].sum() / loss.sum()


def by_loop(fake_logits, chosen):
    total = part = 0.0
    for logit, is_chosen in zip(fake_logits, chosen, strict=True):
        loss = F.binary_cross_entropy_with_logits(logit, torch.tensor(1.0)).item()
        total += loss
        part += loss if is_chosen else 0
    return part / total


def means_divided(fake_logits, chosen):
    loss = F.softplus(-fake_logits)
    return loss[chosen].mean() / loss.mean()


def others(fake_logits, chosen):
    return 1 - as_in_the_solution(fake_logits, chosen)


def against_the_others(fake_logits, chosen):
    loss = F.softplus(-fake_logits)
    return loss[chosen].sum() / loss[~chosen].sum().clamp(min=0)


def counted(fake_logits, chosen):
    return chosen.sum() / len(chosen)


def not_divided(fake_logits, chosen):
    return (F.softplus(-fake_logits) * chosen).sum()


def critic_s_term(fake_logits, chosen):
    loss = F.softplus(fake_logits)
    return loss[chosen].sum() / loss.sum()


def of_logits(fake_logits, chosen):
    return fake_logits[chosen].sum() / fake_logits.sum()


def of_one_minus_d(fake_logits, chosen):
    strength = 1 - torch.sigmoid(fake_logits)
    return strength[chosen].sum() / strength.sum()


def log_of_sigmoid(fake_logits, chosen):
    loss = -torch.log(torch.sigmoid(fake_logits))
    return loss[chosen].sum() / loss.sum()


def bce_of_sigmoid(fake_logits, chosen):
    loss = F.binary_cross_entropy(torch.sigmoid(fake_logits), torch.ones(len(fake_logits)), reduction="none")
    return loss[chosen].sum() / loss.sum()


def with_a_constant(fake_logits, chosen):
    loss = -torch.log(torch.sigmoid(fake_logits) + 1e-8)
    return loss[chosen].sum() / loss.sum()


def in_percent(fake_logits, chosen):
    return 100 * as_in_the_solution(fake_logits, chosen)


def mean_of_chosen(fake_logits, chosen):
    return F.softplus(-fake_logits[chosen]).mean()


ANSWERS = {
    "02b.1": {
        "right": [
            faults("no zero_grad", "none", "detach twice", "no detach"),
            dict(D="no detach", C="detach twice", B="none", A="no zero_grad"),
        ],
        "wrong": [
            (faults("none", "none", "detach twice", "no detach"), "A is not 'none'"),
            (faults("no detach", "none", "detach twice", "no zero_grad"), "A is not 'no detach'"),
            (faults("no zero_grad", "no detach", "detach twice", "none"), "B is not 'no detach'"),
            (faults("no zero_grad", "none", "no detach", "detach twice"), "C is not 'no detach'"),
            (faults("no zero_grad", "none", "none", "none"), "C is not 'none'"),
            (faults("no zero_grad", "none", "detach twice", "none"), "D is not 'none'"),
            (faults("no zero_grad", "none", "detach twice", "no zero_grad"), "would be far longer"),
            (faults("detach twice", "none", "no zero_grad", "no detach"), "A is not 'detach twice'"),
            (faults("no zero_grad", "detach twice", "none", "no detach"), "B is not 'detach twice'"),
        ],
    },
    "02b.2": {
        "right": [as_in_the_solution, by_log_d, by_numpy, by_loop],
        "wrong": [
            (means_divided, "divided two means"),
            (others, "not chosen"),
            (against_the_others, "Divide by that of all"),
            (counted, "counted how many"),
            (not_divided, "Divide it by the loss of all"),
            (mean_of_chosen, "mean loss"),
            (critic_s_term, "the critic's loss (2.1)"),
            (of_logits, "added up logits"),
            (of_one_minus_d, "the strength of the pull"),
            (log_of_sigmoid, "not finite"),
            (bce_of_sigmoid, "stops at 100"),
            (with_a_constant, "small number inside the log"),
            (in_percent, "percentage"),
            (lambda a, chosen: as_in_the_solution(a.clamp(-50, 50), chosen), "clamped the logits"),
            (
                lambda a, chosen: (lambda loss: (loss * chosen).sum() / loss.sum())(
                    F.binary_cross_entropy_with_logits(a, chosen.float(), reduction="none")
                ),
                "mask for the labels",
            ),
            (lambda a, chosen: F.softplus(-a)[chosen].sum() / len(a), "number of fakes"),
            (lambda a, chosen: F.softplus(-a[chosen].sum()) / F.softplus(-a.sum()), "add up losses"),
        ],
    },
}
