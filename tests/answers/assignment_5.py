"""Answers to assignment 5 as different people would write them, right and wrong; see test_assignments.py.

A text is an expression in the namespace that the solved notebook leaves, run in the folder that holds its files:
generators are rebuilt from those, and the table's numbers depend on them and on the variant.
"""

import numpy as np
import torch


def stub(*arguments):
    return ...


# 5.2


def by_matrix(training, eps):
    flat = training.flatten(1)
    mean = flat.mean(0, keepdim=True)
    draws = mean + eps @ (flat - mean) / (len(flat) - 1) ** 0.5
    return draws.clamp(-1, 1).view(len(eps), *training.shape[1:])


def by_loop(training, eps):
    mean = sum(training) / len(training)
    draws = []
    for row in eps:
        draw = mean.clone()
        for weight, picture in zip(row, training, strict=True):
            draw += weight * (picture - mean) / np.sqrt(len(training) - 1)
        draws.append(draw)
    return torch.stack(draws).clip(min=-1, max=1)


def by_numpy(training, eps):
    x, e = np.float64(training), np.float64(eps)
    mean = x.mean(axis=0)
    return np.clip(mean + np.einsum("ki,i...->k...", e, x - mean) / np.sqrt(len(x) - 1), -1, 1)


def baseline(middle=None, about=None, divide=None, end=None):
    """Return a baseline that is right but for what the arguments change."""

    def answer(training, eps):
        x = training
        mean = (middle or (lambda x: x.mean(0)))(x)
        centred = x - (about or middle or (lambda x: x.mean(0)))(x)
        sums = torch.tensordot(eps, centred, 1) / (divide or (lambda n: (n - 1) ** 0.5))(len(x))
        return (end or (lambda mean, sums: (mean + sums).clamp(-1, 1)))(mean, sums)

    return answer


def pixel_by_pixel(training, eps):
    deviation = torch.from_numpy(np.resize(eps.numpy(), (len(eps), *training.shape[1:])))
    return (training.mean(0) + training.std(0) * deviation).clamp(-1, 1)


def own_noise(training, eps):
    torch.manual_seed(0)
    return by_matrix(training, torch.randn_like(eps))


# 5.5


def authentic_by_loop(samples, training):
    hits = []
    for s in samples:
        away = (training - s).flatten(1).norm(dim=1)
        t = int(away.argmin())
        gap = (training - training[t]).flatten(1).norm(dim=1)
        gap[t] = float("inf")
        hits.append(float(away[t] >= gap.min()))
    return sum(hits) / len(hits)


def authentic_by_numpy(samples, training):
    a, b = np.float64(samples).reshape(len(samples), -1), np.float64(training).reshape(len(training), -1)
    away = ((a[:, None] - b[None]) ** 2).sum(-1)
    gaps = np.sort(((b[:, None] - b[None]) ** 2).sum(-1), axis=1)[:, 1]
    return np.mean(away.min(1) >= gaps[away.argmin(1)])


def authentic_by_topk(samples, training):
    x, y = samples.flatten(1), training.flatten(1)
    away, nearest = torch.cdist(x, y).topk(1, largest=False)
    gaps = torch.cdist(y, y).topk(2, largest=False).values[:, 1]
    return (away[:, 0] >= gaps[nearest[:, 0]]).float().mean()


def authentic(within=None, away=None, share=None, compare=torch.ge, p=2.0):
    """Return an authentic_share that is right but for what the arguments change."""

    def answer(samples, training):
        x, y = samples.flatten(1), training.flatten(1)
        d, own = torch.cdist(x, y, p), torch.cdist(y, y, p)
        own.fill_diagonal_(torch.inf)
        gap = (within or (lambda d, own: own.min(1).values[d.argmin(1)]))(d, own)
        far = compare((away or (lambda d: d.min(1).values))(d), gap)
        return (share or (lambda far: far.float().mean()))(far)

    return answer


def without_infinity(own):
    own = own.clone()
    return own.fill_diagonal_(0)


def among_samples(samples, training):
    x, y = samples.flatten(1), training.flatten(1)
    own = torch.cdist(x, x)
    own.fill_diagonal_(torch.inf)
    return (torch.cdist(x, y).min(1).values >= own.min(1).values).float().mean()


# 5.3: texts are evaluated where `rebuild` is the solved notebook's.


def like(change, **attributes):
    """Return an expression for a rebuild whose generator does `change`, a text about `generator` and `z`."""
    return (
        "lambda path: (lambda generator: type('Wrapped', (nn.Module,), {"
        "'latent_dim': generator.latent_dim, "
        "'parameters': lambda self: generator.parameters(), "
        f"'forward': lambda self, z: {change}"
        "})())(rebuild(path))"
    )


ANSWERS = {
    "baseline": {
        "right": [by_matrix, by_loop, by_numpy],
        "wrong": [
            (stub, "not attempted"),
            (baseline(divide=lambda n: n**0.5), "sample covariance has N - 1"),
            (baseline(divide=lambda n: 1), "You did not divide"),
            (baseline(divide=lambda n: n - 1), "*root*"),
            (baseline(divide=lambda n: n), "You took the mean of"),
            (baseline(about=lambda x: 0), "You did not centre"),
            (baseline(end=lambda mean, sums: sums.clamp(-1, 1)), "You left out the"),
            (baseline(about=lambda x: x.mean()), "centred by one number"),
            (baseline(middle=lambda x: x.mean()), "one mean for all pixels"),
            (baseline(end=lambda mean, sums: mean + sums), "cut off"),
            (baseline(end=lambda mean, sums: (mean + sums).tanh()), "You took tanh"),
            (baseline(end=lambda mean, sums: (mean + sums).clamp(0, 1)), "cut off at 0"),
            (baseline(end=lambda mean, sums: mean + sums.clamp(-1, 1)), "You cut before"),
            (baseline(end=lambda mean, sums: (mean - sums).clamp(-1, 1)), "sign"),
            (baseline(end=lambda mean, sums: (mean + sums.mean(0, keepdim=True).expand_as(sums)).clamp(-1, 1)), ""),
            (pixel_by_pixel, "You let each"),
            (own_noise, ""),
        ],
    },
    "rebuild": {
        "right": [
            "lambda path: rebuild(str(path))",
            like("generator(z).clamp(-1, 1)"),
            like("torch.cat([generator(one) for one in z.split(1)])"),
        ],
        "wrong": [
            (stub, "not attempted"),
            ("lambda path: rebuild(file_of(seeds[0]))", "from `path`"),
            (
                "lambda path: (torch.manual_seed(1), models.MLPGenerator(9, shape).eval())[1]",
                "from `path`",
            ),
            (like("(generator(z) + 1) / 2"), "[0, 1]"),
            (like("(generator(z) + 1) * 127.5"), "[0, 255]"),
            (like("3 * generator(z)"), "You return values without"),
            (like("(generator(z) + 0.3 * torch.randn(len(z), *shape)).clamp(-1, 1)"), "draws noise"),
            ("lambda path: rebuild(path).train()", "eval()"),
            (like("generator(0 * z)"), "You do not"),
            (like("(torch.manual_seed(0), generator(torch.randn_like(z)))[1]"), "You do not"),
            (like("training[(1000 * z.abs().sum(1)).long() % len(training)]"), "not generated"),
            (like("generator(z).movedim(1, -1)"), "You put the"),
            (like("generator(z).expand(-1, 3, -1, -1)"), "number of channels"),
            (like("F.avg_pool2d(generator(z), 2)"), "half the side"),
            ("lambda path: checkpoint.load(path)", "no network with a `latent_dim`"),
            ("lambda path: rebuild(Path('generator.safetensors'))", ""),
            ("lambda path: rebuild(Path(path).with_suffix('.pt'))", ""),
        ],
    },
    "results": {
        "right": [
            "{name: np.array(values, dtype=np.float32) for name, values in results.items()}",
            "{name: torch.tensor(values) for name, values in results.items()} | {'note': 'three seeds'}",
            "{name: [round(value, 2) for value in values] for name, values in results.items()}",
        ],
        "wrong": [
            ("{'floor': ..., 'baseline': ..., 'generator': ...}", "not attempted"),
            (
                "results | {'generator': results['baseline'], 'baseline': results['generator']}",
                "You swapped the rows of generator",
            ),
            (
                "results | {'floor': results['baseline'], 'baseline': results['floor']}",
                "You swapped the rows of floor",
            ),
            ("{name: [np.mean(values)] * 3 for name, values in results.items()}", "You wrote the"),
            ("results | {'generator': [np.mean(results['generator'])] * 3}", "generator's mean"),
            ("results | {'generator': [min(results['generator'])] * 3}", "three times"),
            ("{name: np.sqrt(values) for name, values in results.items()}", "roots"),
            (
                "results | {'floor': [metrics.unit_distance(features(held_out), features(held_out))] * 3}",
                "held-out pictures against themselves",
            ),
            ("results | {'floor': results['floor'][:1] * 3}", "one floor"),
            ("results | {'baseline': results['baseline'][:1] * 3}", "one baseline"),
            (
                "results | {'generator': [distance(sampled(rebuild(file_of(seeds[0])), s)) for s in seeds]}",
                "one file for all",
            ),
            (
                "results | {'generator': [distance(sampled(rebuild(file_of(s)), seeds[0])) for s in seeds]}",
                "latents of the first seed",
            ),
            (
                "results | {'generator': [metrics.unit_distance(features(sampled(rebuild(file_of(s)), s)),"
                " features(some_training(s))) for s in seeds]}",
                "trained on",
            ),
            ("results | {'generator': results['generator'][::-1]}", "another order"),
            ("results | {'floor': [round(distance(some_training(s))) for s in seeds]}", "rounded"),
            ("{name: [round(float(value)) for value in values] for name, values in results.items()}", "rounded"),
            ("{name: [round(float(value), -1) for value in values] for name, values in results.items()}", "rounded"),
            (
                "{'floor': [distance(some_training(seeds[0])) for _ in seeds],"
                " 'baseline': [distance(gaussian_baseline(training, noise(seeds[0]))) for _ in seeds],"
                " 'generator': [distance(sampled(rebuild(file_of(s)), seeds[0])) for s in seeds]}",
                "You drew from",
            ),
            ("{name: values[:1] * 3 for name, values in results.items()}", "You took everything"),
            ("results | {'generator': [0.8 * value for value in results['generator']]}", ""),
            ("{'floor': [18.2, 17.5, 19.1], 'baseline': [410., 412., 408.], 'generator': [95., 101., 99.]}", ""),
            ("results | {'generator': results['generator'][:2]}", ""),
        ],
    },
    "authentic": {
        "right": [authentic_by_loop, authentic_by_numpy, authentic_by_topk],
        "wrong": [
            (stub, "not attempted"),
            (authentic(compare=torch.lt), "*not* authentic"),
            (authentic(compare=torch.gt), "You left out equality"),
            (authentic(lambda d, own: without_infinity(own).min(1).values[d.argmin(1)]), "its own nearest neighbour"),
            (authentic(lambda d, own: own.min(1).values.mean()), "one threshold for all"),
            (authentic(lambda d, own: own.min()), "smallest gap"),
            (authentic(lambda d, own: own.min(1).values.max()), "largest gap"),
            (authentic(lambda d, own: d.topk(2, largest=False).values[:, 1]), "second neighbour"),
            *(
                (authentic(lambda d, own, second=second: own[d.argmin(1), second(d)]), "second nearest to s")
                for second in (
                    lambda d: d.topk(2, largest=False).indices[:, 1],
                    lambda d: d.argsort(1)[:, 1],
                    lambda d: d.sort(dim=1, stable=True).indices[:, 1],
                )
            ),
            (authentic(lambda d, own: own.sort(1).values[d.argmin(1), min(1, len(own) - 2)]), "second nearest other"),
            (
                authentic(lambda d, own: without_infinity(own)[d.argmin(1)].sum(1) / (len(own) - 1)),
                "mean distance of t",
            ),
            (authentic(away=lambda d: d.mean(1)), "mean distance of a sample"),
            (authentic(share=lambda far: far.sum()), "a number of samples"),
            (authentic(share=lambda far: 100 * far.float().mean()), "percentage"),
            (authentic(p=1.0), "Euclidean"),
            (among_samples, "You took another"),
            (lambda samples, training: 1.0, "every sample is authentic"),
        ],
    },
}


def centred_in_place(training, eps):
    mean = training.mean(0)
    training -= mean
    return (mean + torch.tensordot(eps, training, 1) / (len(training) - 1) ** 0.5).clamp(-1, 1)


def standardised_pixels(training, eps):
    mean, deviation = training.mean(0), training.std(0)
    return (mean + torch.tensordot(eps, (training - mean) / deviation, 1) / (len(training) - 1) ** 0.5).clamp(-1, 1)


def by_the_number_of_draws(training, eps):
    mean = training.mean(0)
    return (mean + torch.tensordot(eps, training - mean, 1) / max(len(eps) - 1, 1e-9) ** 0.5).clamp(-1, 1)


ADDED = {  # of a review: answers that once had full marks, or no hint, or an untrue one
    "baseline": {
        "wrong": [
            (centred_in_place, "You changed the `training`"),
            (lambda training, eps: by_matrix(training, torch.randn_like(eps)), "You drew noise of your own"),
            (baseline(end=lambda mean, sums: (mean + sums).clamp(min=-1)), "below -1 only"),
            (baseline(end=lambda mean, sums: (mean + sums).clamp(max=1)), "above 1 only"),
            (baseline(end=lambda mean, sums: (mean + sums) / (mean + sums).abs().max()), "largest value"),
            (baseline(end=lambda mean, sums: ((mean + sums).clamp(-1, 1) * 127.5).round() / 127.5), "You rounded"),
            (baseline(about=lambda x: x.mean((0, 2, 3), keepdim=True)), "one mean a channel"),
            (standardised_pixels, "each pixel's deviation"),
            (lambda training, eps: by_matrix(training, eps / eps.std(1, keepdim=True)), "standardised eps"),
            (by_the_number_of_draws, "the number of draws"),
        ],
    },
    "authentic": {
        "wrong": [
            (
                lambda s, t: authentic(lambda d, own: own.masked_fill(own == 0, torch.inf).min(1).values[d.argmin(1)])(
                    s, t
                ),
                "You left every distance of 0 out",
            ),
            (authentic(away=lambda d: d.min(1).values ** 2), "You held a squared distance"),
            (authentic(p=float("inf")), "largest difference of two pixels"),
            (lambda samples, training: authentic()(training, samples), "You exchanged samples"),
            (
                lambda samples, training: authentic(share=lambda far: far.sum() / len(training))(samples, training),
                "the number of training pictures",
            ),
        ],
    },
    "results": {
        "wrong": [
            ("{name: values[::-1] for name, values in results.items()}", "You gave every row backwards"),
            ("results | {'floor': [distance(training[:n])] * 3}", "You took the first n"),
            ("results | {'floor': results['floor'][::-1]}", "the floor's row is in another order"),
            ("results | {'baseline': results['baseline'][::-1]}", "the baseline's row is in another order"),
        ],
    },
}


def left_out_by_value(samples, training):
    samples, training = samples.flatten(1), training.flatten(1)
    away, nearest = torch.cdist(samples, training).min(1)
    own = torch.cdist(training, training)
    own[own == 0] = torch.inf
    return (away >= own.min(1).values[nearest]).double().mean()


def one_number_a_draw(training, eps):
    return (training.mean(0) + training.std(0) * eps[:, :1, None, None]).clamp(-1, 1)


AGAIN = {  # of a second review, its answers written before this bank was read
    "baseline": {
        "wrong": [
            (one_number_a_draw, "You moved all pixels of a draw by one number"),
            (lambda x, eps: baseline(divide=lambda n: max(len(eps) - 1, 1) ** 0.5)(x, eps), "the number of draws"),
            (lambda x, eps: baseline(divide=lambda n: len(eps) ** 0.5)(x, eps), "the number of draws"),
        ],
    },
    "authentic": {"wrong": [(left_out_by_value, "You left out the distances that are exactly 0")]},
    "rebuild": {
        "wrong": [
            ("lambda path: models.trained.read(path)", "You returned no network with a `latent_dim`"),
            ("lambda path: models.trained.read(path)['generator'].state_dict()", "You returned no network"),
            (
                like("(torch.manual_seed(0), generator(z) + 0.3 * torch.randn(len(z), *shape))[1].clamp(-1, 1)"),
                "its place",
            ),
            (like("1e-5 * generator(z)"), "as good as untrained"),
        ],
    },
}
for part, more in (*ADDED.items(), *AGAIN.items()):
    for kind, some in more.items():
        ANSWERS[part][kind] += some
