"""What the errors of torch that learners meet most often mean, in a sentence that starts with what they did."""

import inspect
import re
from typing import Any

from torch.nn import functional

# A pattern of the error's own text, and the hint. The first pattern that is found counts.
EXPLAINED = (
    (
        r"The size of tensor a \(\d+\) must match the size of tensor b",
        "You combined two tensors entry by entry, and their shapes do not fit. Print both shapes. For one number a "
        "row, x[:, None] turns (m,) into (m, 1).",
    ),
    (
        r"mean\(\): could not infer output dtype|mean\(\): input dtype should be",
        "You took the mean of whole numbers or of True and False. Turn them into fractions first: x.double().mean().",
    ),
    (
        r"shapes cannot be multiplied|inconsistent tensor size, expected tensor|size mismatch, got input",
        "You multiplied matrices whose inner sizes differ. Print both shapes; x.T transposes a matrix.",
    ),
    (
        r"does not require grad and does not have a grad_fn|appears to not have been used in the graph",
        "You asked for a gradient, but the path to what it is taken by is cut, by detach(), no_grad(), item(), or a "
        "new tensor made of old numbers.",
    ),
    (
        r"backward through the graph a second time",
        "You differentiated twice, and the first time freed the graph. To go through it again, the first call takes "
        "retain_graph=True. Where you need the gradient's own gradient, it takes create_graph=True.",
    ),
    (
        r"grad can be (?:implicitly )?created only for scalar outputs",
        "You differentiated several numbers at once. Reduce them to one first, by sum() or mean().",
    ),
    (
        r"modified by an inplace operation",
        "You called backward() on a result that was computed before its tensors were changed, by an optimizer's step() "
        "or in place. Compute it anew after the change.",
    ),
    (
        r"all elements of (?:input|target) should be between 0 and 1",
        "You gave binary_cross_entropy numbers outside [0, 1]. It takes probabilities; for logits there is "
        "binary_cross_entropy_with_logits.",
    ),
    (
        r"torch\.return_types\.",
        "You used sort, topk, min or max over a dimension as a tensor. It returns two things: take .values of it.",
    ),
    (
        r"iteration over a 0-d tensor|cannot unpack non-iterable|not enough values to unpack",
        "You gave one number, or too few, where several are taken apart.",
    ),
    (
        r"'(?:float|int|bool)' object has no attribute",
        "You turned a tensor into a plain number too early, by item() or float(). Such a number has no gradient and "
        "none of a tensor's methods.",
    ),
    (
        r"Dimension out of range \(expected to be in range of \[-1, 0\]",
        "You asked for dimension 1 (the default of F.normalize) of a tensor that has only one. Write dim=0.",
    ),
    (
        r"selected index k out of range|kthvalue\(\): selected number k out of range",
        "You asked for more entries than a row has.",
    ),
    (
        r"argument 'input' \(position 1\) must be Tensor, not (?:int|float)",
        "You gave a plain number to a function of torch that takes a tensor. Use Python's own, such as math.log(n), "
        "or make a tensor of the number: torch.tensor(n).",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "You turned a tensor that carries gradients into NumPy. Call detach() on it first.",
    ),
)


def explained(error: Exception, attempt: Any) -> str:
    """Return " Hint: ..." for an error of `attempt` that is known, else an empty text."""
    if type(error) is NameError:
        return _unknown_name(error.name, attempt)
    text = str(error)
    return next((f" Hint: {hint}" for pattern, hint in EXPLAINED if re.search(pattern, text)), "")


def _unknown_name(name: str, attempt: Any) -> str:
    if inspect.isroutine(getattr(functional, name, None)):
        return f" Hint: You used {name} by its bare name. It is torch.nn.functional.{name}."
    try:
        given = ", ".join(inspect.signature(attempt).parameters)
    except (TypeError, ValueError):
        return ""
    return f" Hint: You used a name that your function does not know. It is given {given}." if given else ""
