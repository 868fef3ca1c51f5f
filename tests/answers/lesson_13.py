"""Answers to the exercises of lesson 13 as different people would write them, right and wrong; see test_check.py."""

import torch


def slope_by_einsum(f, wanted):
    n = f.shape[1]
    gap = torch.einsum("ip,jp->ij", f, f) / n - wanted
    return torch.einsum("ij,jp->ip", gap, f) * 4 / n


def slope_by_autograd(f, wanted):
    f = f.clone().requires_grad_()
    (slope,) = torch.autograd.grad(((f @ f.T / f.shape[1] - wanted) ** 2).sum(), f)
    return slope


def slope_in_two_parts(f, wanted):
    channels, positions = f.shape
    gap = f.matmul(f.t()).div(positions) - wanted
    rows = 2 * gap.matmul(f) / positions
    columns = 2 * gap.t().matmul(f) / positions
    return rows + columns


def slope(f, wanted, factor=4, inner=None, outer=None):
    n = f.shape[1]
    gap = f.mm(f.T) / (inner or n) - wanted
    return factor * gap.mm(f) / (outer or n)


def slope_of_centred(f, wanted):
    r = f - f.mean(dim=1, keepdim=True)
    return 4 * (r @ r.T / r.shape[1] - wanted) @ f / f.shape[1]


def bright_from_samples(m, c, gain, lift):
    """Make features with these means and this covariance, change them, and measure."""
    n = len(m)
    values, vectors = torch.linalg.eigh(c)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt())
    r = torch.cat([root, -root], 1) * n**0.5  # (C, 2 n), of mean 0
    f = gain * (m[:, None] + r) + lift[:, None]
    rest = f - f.mean(1, keepdim=True)
    return f @ f.T / f.shape[1], rest @ rest.T / f.shape[1]


def bright_by_products(m, c, gain, lift):
    new = m * gain + lift
    return [new[:, None] * new[None, :] + c * gain * gain, c * gain * gain]


def bright(m, c, means, rest):
    return means[:, None] @ means[None] + rest, rest


def bright_by_number(m, c, gain, lift):
    new = gain * m + lift
    return new @ new + gain**2 * c, gain**2 * c


def bright_with_one_product_twice(m, c, gain, lift):
    both = torch.outer(gain * m, gain * m) + 2 * torch.outer(gain * m, lift) + torch.outer(lift, lift)
    return both + gain**2 * c, gain**2 * c


def bright_by_rows(m, c, gain, lift):
    new = (gain * m + lift)[None]
    return new @ new.T + gain**2 * c, gain**2 * c


ANSWERS = {
    "13.1": {
        "right": [slope_by_einsum, slope_by_autograd, slope_in_two_parts],
        "wrong": [
            (lambda f, wanted: slope(f, wanted, 2), "half of the gradient"),
            (lambda f, wanted: slope(f, wanted, 1), "a quarter of the gradient"),
            (lambda f, wanted: slope(f, wanted, outer=1), "1/P out at the end"),
            (lambda f, wanted: slope(f, wanted) / f.shape[1], "once too often"),
            (lambda f, wanted: 2 * (f @ f.T / f.shape[1] - wanted) * 2 * f, "product is x @ y"),
            (lambda f, wanted: slope(f, wanted, inner=1), "lacks its 1/P"),
            (lambda f, wanted: slope(f, wanted, inner=1, outer=1), "in both places"),
            (lambda f, wanted: 4 * (wanted - f @ f.T / f.shape[1]) @ f / f.shape[1], "sign is wrong"),
            (lambda f, wanted: slope(f, -wanted), "added G and wanted"),
            (lambda f, wanted: slope(f, 0 * wanted), "left wanted out"),
            (lambda f, wanted: 4 * (f @ f.T / f.shape[1] - wanted).pow(2) @ f / f.shape[1], "squared G - wanted"),
            (lambda f, wanted: slope(f, wanted, inner=len(f), outer=len(f)), "by the number of channels. G"),
            (lambda f, wanted: slope(f, wanted, outer=f.shape[0] * f.shape[1]), "channels as well"),
            (lambda f, wanted: slope(f, wanted, outer=len(f)), "has the same 1/P"),
            (lambda f, wanted: slope(f, wanted, inner=len(f)), "divided G by the number of channels"),
            (lambda f, wanted: slope(f, wanted) / len(f) ** 2, "no 1/C^2"),
            (slope_of_centred, "centred Gram matrix"),
            (lambda f, wanted: 2 * (f @ f.T / f.shape[1] - wanted), "a chain rule is left"),
            (lambda f, wanted: ((f @ f.T / f.shape[1] - wanted) ** 2).sum(), "the loss itself"),
            (lambda f, wanted: slope(f, wanted).T, "transposed"),
        ],
    },
    "13.2": {
        "right": [bright_from_samples, bright_by_products],
        "wrong": [
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain * c), "by its square"),
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, c), "multiplying does"),
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain**2 * c + torch.outer(lift, lift)), "too"),
            (lambda m, c, gain, lift: bright(m, c, gain * m, gain**2 * c), "left the lift out"),
            (lambda m, c, gain, lift: bright(m, c, m + lift, gain**2 * c), "left the gain out"),
            (lambda m, c, gain, lift: bright(m, c, gain * (m + lift), gain**2 * c), "raised afterwards"),
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain**2 * c)[::-1], "wrong order"),
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain**2 * c)[0], "Gram matrix alone"),
            (lambda m, c, gain, lift: gain**2 * c, "centred matrix alone"),
            (
                lambda m, c, gain, lift: (torch.outer(gain * m + lift, gain * m + lift), gain**2 * c),
                "means' part alone",
            ),
            (lambda m, c, gain, lift: (gain**2 * c, gain**2 * c), "the centred one"),
            (lambda m, c, gain, lift: ((gain * m + lift) ** 2 + gain**2 * c, gain**2 * c), "entry by entry"),
            (bright_by_number, "for each *pair*"),
            (bright_by_rows, "for each *pair*"),
            (
                lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain**2 * c + lift[:, None]),
                "lift to each column",
            ),
            (lambda m, c, gain, lift: bright(m, c, gain * m + lift, gain**2 * c + lift), "lift to each row"),
            (
                lambda m, c, gain, lift: (gain**2 * (torch.outer(m, m) + c) + torch.outer(lift, lift), gain**2 * c),
                "a mean and a lift",
            ),
            (lambda m, c, gain, lift: bright(m, c, m, gain**2 * c), "from before the change"),
            (lambda m, c, gain, lift: bright(m, c, m, c), "before the change. The features"),
            (
                lambda m, c, gain, lift: (torch.outer(gain * m + lift, gain * m + lift) - gain**2 * c, gain**2 * c),
                "subtracted the centred matrix",
            ),
            (bright_with_one_product_twice, "lift twice"),
            (lambda m, c, gain, lift: (gain**2 * (torch.outer(m, m) + c) + lift, gain**2 * c), "added the lift"),
            (lambda m, c, gain, lift: (gain * m + lift, gain**2 * c), "new means first"),
        ],
    },
}
