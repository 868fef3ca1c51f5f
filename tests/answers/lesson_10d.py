"""Answers to the exercises of lesson 10d as different people would write them, right and wrong; see test_check.py."""

import torch


def fold_by_parts(norm, linear):
    sigma = torch.sqrt(norm.running_var + norm.eps)
    weight, bias = linear.weight.clone(), torch.zeros(linear.out_features, dtype=torch.float64)
    for i in range(linear.in_features):
        weight[:, i] = weight[:, i] * (norm.weight[i] / sigma[i])
        bias += linear.weight[:, i] * norm.bias[i] - weight[:, i] * norm.running_mean[i]
    return weight, bias if linear.bias is None else bias + linear.bias


def fold_by_probing(norm, linear):
    """Read bias and weights off what the two layers do to 0 and to single ones."""
    inputs = torch.cat([torch.zeros(1, norm.num_features), torch.eye(norm.num_features)]).double()
    out = linear(norm(inputs))
    return (out[1:] - out[0]).T, out[0]


def fold_by_matrices(norm, linear):
    weight = linear.weight @ torch.diag(norm.weight * torch.rsqrt(norm.running_var + norm.eps))
    bias = linear(norm.bias) - weight @ norm.running_mean
    return weight, bias


def fold_with(f=lambda n: n.weight / (n.running_var + n.eps).sqrt(), bias=None):
    """Return an answer with another factor, or with a bias made of (norm, linear, f, b)."""
    bias = bias or (lambda n, linear, f, b: linear.weight @ (n.bias - f * n.running_mean) + b)

    def answer(norm, linear):
        b = 0 if linear.bias is None else linear.bias
        return linear.weight * f(norm), bias(norm, linear, f(norm), b)

    return answer


def fold_along_outputs(norm, linear):
    weight, bias = fold_by_matrices(norm, linear)
    return torch.diag(norm.weight * torch.rsqrt(norm.running_var + norm.eps)) @ linear.weight, bias


def fold_in_place(norm, linear):
    weight, bias = fold_by_parts(norm, linear)
    linear.weight.data = weight
    return linear.weight, bias


def fold_in_place_first(norm, linear):
    f = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    linear.weight.data *= f
    bias = linear.weight @ (norm.bias - f * norm.running_mean)
    return linear.weight, bias if linear.bias is None else bias + linear.bias


def fold_as_printed(norm, linear):
    f = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    b = linear.bias if linear.bias is not None else 0.0
    return linear.weight * f.view(-1, 1), norm.bias + f * (b - norm.running_mean)


def fold_by_new_weights(norm, linear):
    f = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = linear.weight * f
    bias = weight @ (norm.bias - f * norm.running_mean)
    return weight, bias if linear.bias is None else bias + linear.bias


def fold_and_add_none(norm, linear):
    f = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return linear.weight * f, linear.weight @ (norm.bias - f * norm.running_mean) + linear.bias


def fold_without_bias(norm, linear):
    weight, bias = fold_by_parts(norm, linear)
    return weight, None if linear.bias is None else bias


def fold_without_bias_by(change):
    def answer(norm, linear):
        weight, bias = fold_by_parts(norm, linear)
        return weight, change(bias) if linear.bias is None else bias

    return answer


def chances_by_loop(labels, shares):
    found = torch.zeros(len(labels), dtype=torch.float64)
    for k, share in enumerate(shares):
        own = labels == k
        found[own] = share / own.sum()
    return found


def chances_by_lists(labels, shares):
    names = labels.tolist()
    return [shares[k].item() / names.count(k) for k in names]


def chances_by_one_hot(labels, shares):
    table = torch.nn.functional.one_hot(labels, len(shares)).double()
    return table @ (shares / table.sum(0))


ANSWERS = {
    "10d.1": {
        "right": [fold_by_parts, fold_by_probing, fold_by_matrices, fold_with()],
        "wrong": [
            (fold_along_outputs, "along the outputs"),
            (fold_with(bias=lambda n, linear, f, b: f * (b - n.running_mean) + n.bias), "Your weight is right"),
            (fold_with(f=lambda n: n.weight * n.running_var.rsqrt()), "left out eps"),
            (fold_with(f=lambda n: n.weight / (n.running_var**0.5 + n.eps)), "eps after the root"),
            (fold_with(f=lambda n: n.weight / (n.running_var + n.eps)), "divided by the variance"),
            (fold_with(f=lambda n: (n.running_var + n.eps).rsqrt()), "left out gamma"),
            (
                fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias - f * n.running_mean)),
                "left out the layer's own bias",
            ),
            (fold_with(bias=lambda n, linear, f, b: n.bias - f * n.running_mean + b), "multiply it by W"),
            (fold_with(bias=lambda n, linear, f, b: (n.bias - f * n.running_mean) @ linear.weight + b), "turned W"),
            (fold_with(bias=lambda n, linear, f, b: linear.weight @ n.bias + b), "left the running mean out"),
            (
                fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias - n.running_mean) + b),
                "subtracted the running mean as it is",
            ),
            (
                fold_with(bias=lambda n, linear, f, b: linear.weight @ (n.bias + f * n.running_mean) + b),
                "added the running mean",
            ),
            (fold_with(bias=lambda n, linear, f, b: b - (linear.weight * f) @ n.running_mean), "left out beta"),
            (
                fold_with(bias=lambda n, linear, f, b: (linear.weight * f) @ (n.bias - n.running_mean) + b),
                "multiplied beta",
            ),
            (fold_in_place, "changed a layer"),
            (fold_in_place_first, "changed a layer"),
            (fold_as_printed, "a norm that comes after"),
            (fold_by_new_weights, "has been multiplied by f"),
            (fold_and_add_none, "without a bias"),
            (fold_without_bias, "remains"),
            (fold_without_bias_by(lambda bias: 0 * bias), "a bias of 0"),
            (fold_without_bias_by(lambda bias: 0), "a bias of 0"),
        ],
    },
    "10d.2": {
        "right": [chances_by_loop, chances_by_lists, chances_by_one_hot],
        "wrong": [
            (lambda y, s: s[y], "divide it among them"),
            (lambda y, s: s[y] / s[y].sum(), "count first"),
            (lambda y, s: (1 / y.bincount())[y] / (1 / y.bincount())[y].sum(), "equally often"),
            (lambda y, s: 1 / y.bincount()[y].double(), "one over the count"),
            (lambda y, s: (1 / s)[y], "one over the share. A"),
            (lambda y, s: (1 / s)[y] / (1 / s)[y].sum(), "one over the share and then"),
            (lambda y, s: s / y.bincount(), "for each class"),
            (lambda y, s: (s * y.bincount() / len(y))[y], "multiplied by the count"),
            (lambda y, s: s[y] / (y.bincount() / len(y)).double()[y], "fraction of the class"),
            (lambda y, s: s[y] / len(y), "divided all by N"),
            (lambda y, s: torch.ones(len(y)).double() / len(y), "the same chance"),
            (lambda y, s: (s * y.bincount())[y] / (s * y.bincount())[y].sum(), "then made it add up"),
        ],
    },
}
