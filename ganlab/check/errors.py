"""What the errors of torch that learners meet most often mean, in a sentence that starts with what they did."""

import inspect
import re
from typing import Any

import torch
from torch.nn import functional

# A pattern of the error's own text, and the hint. The first pattern that is found counts.
EXPLAINED = (
    (
        r"The size of tensor a \(\d+\) must match the size of tensor b|operands could not be broadcast together",
        "You combined two tensors or arrays entry by entry, and their shapes do not fit. Print both shapes. A matrix "
        "product is x @ y. Groups of different sizes are averaged first, each by itself. For one number a row, "
        "x[:, None] turns (m,) into (m, 1).",
    ),
    (
        r"mean\(\): could not infer output dtype|mean\(\): input dtype should be",
        "You took the mean of whole numbers or of True and False. Turn them into fractions first: x.double().mean().",
    ),
    (
        r"shape mismatch: value (?:tensor|array) of shape|cannot assign \d+ input values to the",
        "You wrote into chosen places of a tensor or array, x[chosen] = values, and there are not as many values as "
        "places. Choose on the right side as on the left.",
    ),
    (
        r"shapes cannot be multiplied|inconsistent tensor size, expected tensor|size mismatch, got input|"
        r"matmul: Input operand",
        "You multiplied matrices whose inner sizes differ. Print both shapes; x.T transposes a matrix.",
    ),
    (
        r"argm(?:ax|in)\(\): does not support bool input",
        "You took argmax or argmin of True and False. Turn them into 1 and 0 first: x.int().",
    ),
    (
        r"One of the differentiated Tensors does not require grad",
        "You asked for a gradient by a tensor that does not require one. Call requires_grad_() on it before its use.",
    ),
    (
        r"does not require grad and does not have a grad_fn|appears to not have been used in the graph",
        "You asked for a gradient, but the path to what it is taken by is cut, by detach(), no_grad(), item(), or a "
        "new tensor made of old numbers. Or it was never asked to require a gradient: requires_grad_().",
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
        r"Target size \(.*\) must be the same as input size|target size \(.*\) that is different to the input size",
        "You gave labels of another shape than the logits. torch.ones_like(logits) has their shape.",
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
        r"(?:tuple|list) indices must be integers or slices",
        "You used an index that only a tensor takes, on a tuple or a list. If it comes from sort, topk, min or max "
        "over a dimension, it holds two things: take .values or .indices of it. torch.stack makes a tensor of a list "
        "of them.",
    ),
    (
        r"NoneType",
        "You used None. The sort() of a list or of a NumPy array returns it: take sorted(x) or np.sort(x). And x.grad "
        "is None until backward() has filled it.",
    ),
    (
        r"can't multiply sequence by|can only concatenate (?:tuple|list)|'(?:tuple|list)' object has no attribute|"
        r"(?:unsupported|bad) operand type.*'(?:tuple|list)'|not supported between instances of.*'(?:tuple|list)'",
        "You treated a tuple or a list as a tensor. It has no arithmetic, and none of a tensor's methods. Take its "
        "entries apart first, as in a, b = pair, or make a tensor of it: torch.tensor(numbers), torch.stack(tensors).",
    ),
    (
        r"elements cannot be converted to Scalar|only one element tensors can be converted|"
        r"only (?:0-dimensional|length-1) arrays can be|only integer tensors of a single element can be",
        "You used several numbers where one is expected. Reduce them first, by sum() or mean(), or take one entry, "
        "x[k]. Functions of math, item() and float() take one number; those of torch take every entry.",
    ),
    (
        r"[Bb]oolean value of Tensor with more than one value|truth value of an array with more than one",
        "You used many truth values as one, in `if`, `and`, `or` or `not`, or by Python's own min and max. Entry by "
        "entry, write &, |, ~ or torch.where; for one truth value of all, .any() or .all().",
    ),
    (
        r"Given (?:groups|transposed)=1, weight of size",
        "You gave a convolution a weight whose channels do not fit the input's. Print both shapes. On a tensor with "
        "four axes, .T turns all of them round, not two.",
    ),
    (
        r"shape '.*' is invalid for input of size",
        "You asked for a shape that has another number of entries than the tensor. The sizes of the new shape, "
        "multiplied, must give the size of the input.",
    ),
    (
        r"not implemented for '\w+'|must be either float or double dtype|only applicable to index tensor|"
        r"tensors used as indices must be",
        "You gave a tensor of a dtype that is not taken here. x.long() makes whole numbers of it, x.double() "
        "fractions.",
    ),
    (
        r"the `-` operator,.* bool tensor",
        "You subtracted truth values. x.double() turns True and False into 1 and 0.",
    ),
    (
        r"to have (?:the )?same dtype|expected scalar type (?:Float|Double) but found (?:Float|Double)",
        "You combined float32 numbers with float64 ones. x.to(y) makes x like y.",
    ),
    (
        r"index -?\d+ is out of bounds for|(?:list|tuple) index out of range",
        "You asked for an entry that is not there. Of n entries the indices are 0 to n - 1.",
    ),
    (
        r"too many indices for|invalid index of a 0-dim tensor|'(?:float|int)' object is not subscriptable",
        "You used more indices than there are dimensions. Was it reduced before, by sum(), mean() or min()? Print the "
        "shape.",
    ),
    (
        r"stack expects each tensor to be equal size|Tensors must have same number of dimensions|"
        r"Sizes of tensors must match except in dimension|zero-dimensional tensor .* cannot be concatenated",
        "You joined tensors whose shapes do not fit. Print the shapes. torch.stack joins equal shapes along a new "
        "dimension, torch.cat along one that is there.",
    ),
    (
        r"' object is not callable",
        "You wrote brackets after something that is no function. Is a * missing before them, or does it have none, as "
        "x.shape?",
    ),
    (
        r"a leaf Variable that requires grad is being used in an in-place operation",
        "You changed a tensor by whose numbers you want to differentiate. Change a copy of it: x.clone().",
    ),
    (
        r"iteration over a 0-d tensor|cannot unpack non-iterable|not enough values to unpack|object is not iterable",
        "You gave one number, or too few, where several are taken apart.",
    ),
    (
        r"too many values to unpack",
        "You took more things apart than you gave names.",
    ),
    (
        r"'(?:float|int|bool)' object has no attribute",
        "You treated a plain number as a tensor. It was one from the start, or item() or float() made it. It has no "
        "gradient and none of a tensor's methods.",
    ),
    (
        r"Dimension out of range \(expected to be in range of \[-1, 0\]",
        "You asked for dimension 1 (the default of F.normalize) of a tensor that has only one. Write dim=0.",
    ),
    (
        r"(?:division|modulo) by zero",
        "You divided by 0, with /, // or %. Print what you divide by. A whole quotient such as N // B is 0 where B is "
        "larger than N.",
    ),
    (
        r"selected index k out of range|kthvalue\(\): selected number k out of range",
        "You asked for more entries than a row has.",
    ),
    (
        r"must be Tensor, not (?:list|tuple|numpy)",
        "You gave a list or an array to a function of torch that takes a tensor: torch.tensor(values) makes one of it.",
    ),
    (
        r"argument 'input' \(position 1\) must be Tensor, not (?:int|float)|expected Tensor as element",
        "You gave a plain number to a function of torch that takes a tensor. Use Python's own, such as math.log(n), "
        "or make a tensor of the number: torch.tensor(n).",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "You turned a tensor that carries gradients into NumPy. Call detach() on it first.",
    ),
)


MODULES = ("collections", "functools", "itertools", "math")  # Python's own; no lesson calls anything else so


def explained(error: Exception, attempt: Any) -> str:
    """Return " Hint: ..." for an error of `attempt` that is known, else an empty text."""
    if type(error) is NameError:
        return _unknown_name(error.name, attempt)
    text = str(error)
    if not callable(attempt) and text.endswith("object is not callable"):
        return " Hint: You gave no function. The check takes the function itself: its name, without brackets after it."
    return next((f" Hint: {hint}" for pattern, hint in EXPLAINED if re.search(pattern, text)), "")


def of_no_cell(name: str) -> bool:
    """Return whether a name is a module's or a function's of torch, so that it is no cell of the lesson that misses."""
    return name in MODULES or any(inspect.isroutine(getattr(module, name, None)) for module in (torch, functional))


def _unknown_name(name: str, attempt: Any) -> str:
    if name in MODULES:
        return f" Hint: You used {name} without importing it. Write `import {name}` above your function."
    if inspect.isroutine(getattr(torch, name, None)):
        return f" Hint: You used {name} by its bare name. It is torch.{name}."
    if inspect.isroutine(getattr(functional, name, None)):
        return f" Hint: You used {name} by its bare name. It is torch.nn.functional.{name}."
    try:
        given = ", ".join(inspect.signature(attempt).parameters)
    except (TypeError, ValueError):
        return ""
    return f" Hint: You used a name that your function does not know. It is given {given}." if given else ""
