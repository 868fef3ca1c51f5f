"""The listing of a lesson's asserts: what each compared, by how much it held, and which could hardly have failed.

python tests/tools/asserts.py [04 04b ...] [--speed class]   run lessons, their asserts instrumented, and print it

An assert such as `assert abs(kl - exact) < 1e-6` proves little if both sides of it are the same computation. So each
comparison in an assert, and each `allclose` or `isclose`, is listed with its values, its gap (the smaller side) and its
tolerance (the larger). Marked "0" is a gap of exactly 0, "1/20" one under a twentieth of its tolerance, "=" an exact
comparison. The first two are questions, not faults: two different computations may agree to the last bit. `ANSWERS`
holds the answers that were given; the listing shows them, and where one is missing. Then the exit status is 1.
"""

import argparse
import ast
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import lessons
import nbformat.v4 as v4

CLOSE = ("allclose", "isclose")
TWO_WAYS = "two ways to compute it, equal up to rounding; with a wrong sign or factor it fails"
CONTROL = "a wrong version beside it is asserted to differ"
FAR = "an effect of many orders of magnitude, which is the point"
LOOSE = "chance of training or sampling is allowed for; with the claim reversed it fails"
# By lesson and the comparison's text: why it can fail although it held so easily.
ANSWERS = {
    ("00", "torch.isclose(left, right, rtol=1e-12)"): TWO_WAYS,
    ("01", "(star_logits.sigmoid() - d_star).abs().max() < 1e-12"): TWO_WAYS,
    ("01", "abs(v_star - (2 * jsd - np.log(4))) < 1e-09"): TWO_WAYS,
    ("01", "abs(curve[0] + np.log(4)) < 1e-09"): "the integral of a density over the grid: a grid too short fails",
    ("01b", "max(gaps) < 1e-08"): CONTROL,
    ("01b", "slope_of(function, mu, sigma).abs().max() < 0.001"): "a walk that has not ended fails",
    ("01c", "gap < 1e-09"): TWO_WAYS,
    ("01c", "gap < lab.by_speed(0.3, 0.15, 0.15)"): LOOSE,
    ("01c", "once < 1e-09"): CONTROL,
    ("01c", "abs(twice - floor) < 1e-09"): TWO_WAYS,
    ("02", "abs(c_loss - 2 * np.log(2)) < 1e-06"): TWO_WAYS,
    ("02", "abs(g_loss - np.log(2)) < 1e-06"): TWO_WAYS,
    ("02", "abs(critic_loss_of(*logits) + losses.value(*logits)) < 1e-06"): "the lesson's formula and the package's",
    ("02", "abs(generator_loss_of(logits[1]) - by_hand) < 1e-06"): TWO_WAYS,
    ("02", "abs(line.item() - 2 * torch.tensor(1.0).sigmoid()) < 1e-06"): TWO_WAYS,
    ("02", "slope.abs().max() > 0.001"): "it guards the next comparison: slopes of 0 would prove nothing",
    ("02", "gap < 1e-06"): TWO_WAYS,
    ("02", "start.good < 0.05"): "a ring that untrained networks already meet fails",
    ("02b", "abs(slopes[2] - 1) < 1e-06"): "the two formulas above it give nan and 0",
    ("02b", "(of_critic + D * slope).abs().max() < 1e-06"): TWO_WAYS,
    ("02b", "1e-06 < slope.abs().max()"): "it guards its neighbour: slopes of 0 would prove nothing",
    ("02b", "(of_both - (1 - 2 * D) * slope).abs().max() < 1e-06"): TWO_WAYS,
    ("02b", "abs(terms.mean() - generator_loss_of(fake_logits)) < 1e-06"): "a sum taken in place of the mean fails",
    ("02b", "apart[0] < 0.01 * moved"): "the other half of the chain is the control",
    ("02b", "distance(two_networks(seed), two_networks(seed + 9)) > 1"): "it is the control itself",
    ("03", "torch.allclose(shuffled @ weight[order], logits, atol=1e-05)"): CONTROL,
    ("03", "torch.allclose(transposed(batch, weight, s, p), theirs, atol=0.0001)"): TWO_WAYS,
    ("03", "change < 0.01"): "the other half of the chain is the control",
    ("03", "changes['normalised first'] < 0.01"): CONTROL,
    ("03b", "torch.allclose(inside[:2, :2].flatten(), phases, atol=1e-05)"): TWO_WAYS,
    ("03b", "torch.allclose(inside[2:4, 4:6].flatten(), phases, atol=1e-05)"): TWO_WAYS,
    ("03b", "0.0001 < h.std()"): "it guards its neighbours: values of 0 would prove nothing",
    ("03b", "(sums - sums[0]).abs().max() < 0.0001"): "of a kernel that is not made of a resize, the sums differ",
    ("03c", "torch.allclose(half, torch.full((1, 2), 0.5 ** 0.5))"): TWO_WAYS,
    ("03d", "torch.allclose(moved[inside], same[inside], atol=1e-05)"): CONTROL,
    ("03d", "gap < 0.001"): "drawn in training mode it fails",
    ("04", "abs(half - np.log(2)) < 1e-06"): TWO_WAYS,
    ("04", "(penalty(bowl, x, y, None) - by_hand).abs().max() < 1e-09"): TWO_WAYS,
    ("04b", "abs(value - found[name]) < 1e-06"): TWO_WAYS,
    (
        "04b",
        "torch.allclose(critic_loss(real, fake), theirs, rtol=1e-12, atol=0)",
    ): "the lesson's two lines and the package's",
    (
        "04b",
        "torch.allclose(ours, same, rtol=1e-12, atol=0)",
    ): "the lesson's two lines and the package's",
    ("04c", "abs(work + best.fun) < 1e-06"): TWO_WAYS,
    ("04c", "abs(reached - exact) < 0.01"): "a sum on a grid against an integral; with the sign reversed it fails",
    ("04c", "(one(bowl(w), a, b, u) - value).abs().max() < 1e-09"): CONTROL,
    ("04c", "swapped > 0.1"): "it is the control itself",
    ("04c", "1 > max(healed['R1 + R2, weight 1'])"): LOOSE,
    ("04d", "abs(covered(points, four) - 0.55) < 1e-06"): "counted by hand",
    ("04d", "max(gaps) < 0.0001"): "games played together and alone: another seed fails",
    ("05", "abs(growth - formula) < 1e-09"): TWO_WAYS,
    ("05b", "torch.allclose(log_real - log_fake, 2 * line.double() / 0.1 ** 2)"): TWO_WAYS,
    ("05b", "error[10] > error[100]"): "the next comparison says by how much",
    ("05b", "torch.allclose(given, W / (u @ W @ v), atol=1e-12)"): "torch's weight and the lesson's",
    ("05c", "abs(cloud / formula - 1) < 0.1"): LOOSE,
    (
        "05c",
        "torch.allclose(slow, fast, atol=1e-05)",
    ): "autograd and the closed form: checked that neither calls the other",
    (
        "05c",
        "torch.allclose(*of_penalty, atol=1e-05)",
    ): "autograd and the closed form: checked that neither calls the other",
    ("05c", "own > 0.0001"): FAR,
    ("05c", "1e-20 > read"): FAR,
    (
        "05c",
        "abs(roots[False][0] - roots[False][1]) < 0.001",
    ): "the next line is the control: with normalisation they differ",
    ("05c", "roots[True][0] < 0.1"): FAR,
    ("05c", "0.1 < roots[True][1]"): FAR,
    ("05d", "np.allclose(turned(upright, 1.0), turned(lying, 1.0))"): CONTROL,
    ("05d", "torch.allclose(large(z), enlarged, atol=1e-06)"): TWO_WAYS,
    ("06", "abs(by_entropies - by_package) < 1e-06"): TWO_WAYS,
    ("06", "abs(metrics.inception_score(sure) - score) < 1e-06"): "counted by hand",
    ("06", "abs(by_hand / fid['VAE'] - 1) < 0.001"): TWO_WAYS,
    ("06", "0.2 > found['DCGAN']['copied']"): "the memoriser in the same chain is the control",
    ("06b", "abs(by_hand - metrics.kernel_distance(x, y)) < 1e-09"): TWO_WAYS,
    ("06b", "plain < 0.3 * trials"): "the interval (6b.3) beside it is asserted to cover 85%",
    ("06c", "torch.allclose(A @ S1 @ A, S2)"): TWO_WAYS,
    ("06c", "torch.isclose(bound, 2 * best)"): TWO_WAYS,
    (
        "06c",
        "abs(cost[pairs].mean() / d2 - 1) < lab.by_speed(0.25, 0.06, 0.06)",
    ): "a thousand points leave an error of some 3%; pairs at random are 50% off, and fail",
    ("06c", "(log_mix - log_p + np.log(100)).abs().max() < 0.001"): "with the weights exchanged it is 4.6",
    ("07", "largest < 1e-06"): TWO_WAYS,
    ("07", "abs(log_p_x - log_normal(PIXEL, 0.0, 1.25 ** 0.5)) < 1e-06"): TWO_WAYS,
    ("07", "abs(expected - kl + gap - log_p_x) < 1e-06"): TWO_WAYS,
    ("07", "abs(gaussian_kl(of_z.mean, 2 * of_z.stddev.log()) - kl) < 1e-06"): TWO_WAYS,
    ("07b", "(expected_mean - posterior_mean).abs().max() < 1e-12"): TWO_WAYS,
    ("07b", "(torch.linalg.inv(precision) - posterior_covariance).abs().max() < 1e-12"): TWO_WAYS,
    ("07b", "(rotated.log_prob(x) - world.log_prob(x)).abs().max() < 1e-12"): "a turn of W from the other side fails",
    ("07b", "abs(exact) < 1e-12"): "with W as given it is above 0.1, with the means moved by 0.01 it is 6e-4",
    ("07b", "1e-12 < moved"): FAR,
    ("07b", "abs(twice - 2 * (1.5 - np.log(2))) < 1e-12"): TWO_WAYS,
    ("07b", "((model.W ** 2).sum(0) - above).abs().max() < 1e-09"): TWO_WAYS,
    ("07b", "(turn.log_prob(points).mean() - highest).abs() < 1e-09"): "a matrix that is no rotation fails",
    ("07c", "abs(covariance[0, 1]) < 1e-12"): "of W before it is turned it is -0.17",
    ("07c", "abs(mu_1.grad - by_mu) < 1e-09"): TWO_WAYS,
    ("07c", "abs(s_1.grad - by_s) < 1e-09"): TWO_WAYS,
    ("07c", "abs(best_w[0]) < 0.011"): "0 is a place of the scan; of the right bound the best is near 1",
    ("07c", "abs(state.bound + state.gap - state.log_p_x) < 1e-06"): TWO_WAYS,
    ("08", "torch.allclose(log_p_x, -cost.sum((1, 2, 3)), atol=0.01)"): TWO_WAYS,
    ("08", "torch.allclose(kl, kl_divergence(q, Normal(0.0, 1.0)), atol=1e-05)"): TWO_WAYS,
    ("08b", "(at_once - torch.logsumexp(of_chunks, 0)).abs().max() < 1e-09"): TWO_WAYS,
    ("08b", "apart < 0.0001"): "two ways to the gradient; with weights that are not detached it fails",
    ("08c", "abs(dD / dR + beta) < 1e-09"): TWO_WAYS,
    ("08c", "abs(left.sum() / (2 * noise) - D) < 1e-09"): TWO_WAYS,
    ("08e", "abs(P.sum() - 1) < 1e-09"): "with outermost bins that end somewhere it fails",
    ("08e", "(P - log_p.exp()).abs().max() < 1e-09"): "the lesson's formula and the package's",
    ("08e", "(bits - 8).abs().max() < 1e-05"): "counted by hand",
    ("09", "torch.allclose(by_hand, models.slerp(a, b, t), atol=1e-05)"): "the lesson's formula and the package's",
    ("09", "torch.allclose(by_hand.norm(dim=1), torch.ones(500), atol=1e-05)"): "halfway on a line it is 0.7",
    ("09", "error.min() < 0.0001"): "the other half of the chain is the control",
    ("09", "slope.abs().max() < 0.01"): "a search that has not ended fails",
    ("09b", "(others @ alone).abs().max() < 0.0001"): "the direction before it is made orthogonal fails",
    ("09c", "abs((p * r).sum() - mean) < 0.001"): "a sum on a grid against the formula",
    ("09e", "torch.allclose(left, s * (1 - s) * (mu_1 - mu_0), atol=1e-05)"): TWO_WAYS,
    ("10", "abs(best - (2 * (p_y @ each) - np.log(4))) < 1e-06"): TWO_WAYS,
    ("10", "abs(jsd(*half)) < 1e-06"): CONTROL,
    ("10", "torch.allclose(by_hand, critic(real, y), atol=1e-05)"): CONTROL,
    ("10", "table['collapsed'][3] < 0.1"): "the recall of the other two is above 0.1",
    ("10c", "torch.allclose(post, by_bayes)"): "the softmax of the vectors against Bayes' rule",
    ("10c", "torch.allclose(logit, log_p - log_p_g + post - post_fake)"): TWO_WAYS,
    ("10c", "torch.allclose(logit, (u - u_fake) @ phi + psi)"): TWO_WAYS,
    ("10c", "gap(mine, package) < 1e-06"): "the lesson's step and the package's, from the same start",
    ("10c", "moved > 0.0001"): "it guards its neighbour: networks that stay where they are would prove nothing",
    ("10c", "torch.allclose(log_p_x_y, bound + gap_z, atol=1e-09)"): TWO_WAYS,
    ("10c", "abs(gain - (information + kl - kl_y)) < 1e-06"): TWO_WAYS,
    ("10c", "abs(information - (expectation(post) + entropy)) < 1e-06"): TWO_WAYS,
    ("10d", "gap < 0.0001"): "a fold that leaves out the running mean is 2 away",
    ("11", "abs(slope - (below - above)) < 1e-06"): TWO_WAYS,
    ("11", "torch.allclose(p / (p + g), p_x / (p_x + g_x))"): TWO_WAYS,
    ("11b", "(found(u) - g).abs().max() < 0.0001"): TWO_WAYS,
    ("12", "(downsample(smooth, 4) - small).abs().max() < 1e-05"): "without the correction of the blocks it is 0.17",
    ("12", "downsample(detail, 4).abs().max() < 1e-05"): "of what plain bicubic lacks it is 0.17",
    ("12", "abs(x.var() - m.var() - v) < 0.03"): "chance is about 0.005; without the posterior's variance it is 0.34",
    ("12b", "(w - by_hand / by_hand.sum()).abs().max() < 1e-05"): TWO_WAYS,
    ("12c", "(whole - inside - 10 * np.log10(4)).abs().max() < 0.001"): "a hole of another portion fails",
    (
        "13",
        "torch.allclose(styles.collapse(styles.pyramid(castle)), castle, atol=1e-05)",
    ): "taken apart and put together again: without one of its levels the picture is another",
    ("13", "torch.allclose(gram(f), gram(f[:, order]), atol=0.0001)"): CONTROL,
    ("13", "torch.allclose(gram(f), torch.outer(m, m) + centred(f), atol=0.001)"): TWO_WAYS,
    ("13", "torch.allclose(centred(f + 5), centred(f), atol=0.001)"): "of plain G, every entry changes by 25 and more",
    ("13", "torch.allclose(by_hand, by_package, atol=0.01)"): "the lesson's descent and the package's",
    ("13b", "torch.allclose(dim, y, atol=0.0001)"): TWO_WAYS,
    ("13b", "torch.allclose(y.mean((2, 3))[0], beta, atol=0.0001)"): "the three betas differ by 1 and more",
    ("13b", "torch.allclose(y.std((2, 3), correction=0)[0], gamma, atol=0.0001)"): "the gammas differ by 0.5 and more",
    ("13b", "torch.allclose(products, (a[:5, :7].T @ b[:5, :7]) ** 2)"): TWO_WAYS,
    ("13b", "torch.isclose(of_matrices, of_heaps, rtol=1e-06)"): TWO_WAYS,
    ("13b", "abs(first - by_hand) < 0.001"): "the task's first loss, and the lesson's lines",
    (
        "14",
        "torch.allclose(frame_critic(real), sum(c) / 16, atol=1e-06)",
    ): "the critic of clips fails, whatever is summed",
    ("14", "error < 0.01"): "measured by brightness, against the true places; 0.20 for places in whole pixels",
    ("14", "moved(mixed)[1].mean() > 100 * moved(x)[1].mean()"): FAR,
    ("14b", "torch.allclose(side(m, up, down), b, atol=0.0001)"): TWO_WAYS,
    ("14b", "torch.allclose(by_hand, torch.distributions.kl_divergence(q, p), atol=0.001)"): TWO_WAYS,
    ("15", "torch.allclose(sum_of_terms, torch.log(2 + c.exp() + (-c).exp()))"): TWO_WAYS,
    ("15", "c[sum_of_terms.argmin()].abs() < 1e-09"): "a minimum at the next point of the grid, 0.01 away, fails",
    ("15", "abs(of_loop - floor) < 1e-06"): "a formula and a move that is played; the last ReLU's floor is 0.693",
    ("15", "known_answer(SOUND)[0] < 1e-06"): "the same test finds 1.006 with the second sigmoid",
    ("15b", "torch.allclose(kl_exp_missing(mu, logvar), without_sigma)"): TWO_WAYS,
    ("15b", "torch.isclose(784 * of_loop, 784 * three - log_p(logits, x))"): TWO_WAYS,
    ("15c", "torch.allclose(layer.train()(h), by_hand, atol=1e-06)"): TWO_WAYS,
    ("15c", "abs(in_eval[0] - (3 - m) / v ** 0.5) < 1e-05"): "with the batch's own mean and variance it is 1 or -1",
    ("15d", "torch.allclose(slope, -D * (1 - D) / (D + eps), rtol=1e-09, atol=0)"): TWO_WAYS,
    ("15d", "abs(both[:500].mean() - half / v.sqrt()) < 1e-09"): TWO_WAYS,
    ("15d", "abs(both[500:].mean() + half / v.sqrt()) < 1e-09"): TWO_WAYS,
    ("16", "abs(probability_of_fake(0.5, 0.99, 0.01) - 0.99) < 1e-09"): "with d and f exchanged it is 0.01",
    ("16", "abs(interval[1] - 3.84 / (n_test + 3.84)) < 0.0001"): "with 3 in place of 3.84 it is off by 0.0008",
    ("16b", "abs(made_up[1] - best) < 0.03"): "the ELBO alone is 0.26 away",
    ("16b", "abs(delta_of(epsilon, mu) - integral) < 1e-08"): TWO_WAYS,
    ("16b", "abs(right - promised) < 0.01"): "a single release would be 0.28 away",
    ("16b", "0.01 < promised - phi(mu)"): "it is the control itself",
    ("16b", "gap < 1e-05"): "by hand and by autograd; the last gradient, uncut, is 8.8 times as long",
    ("16b", "1e-05 < C"): "a link between two comparisons: the next says that the gradient is cut",
    ("17", "torch.allclose(made, free + 3 * (with_class - free), atol=1e-05)"): CONTROL,
    ("17b", "abs(slope / formula - 1) < 0.01"): "without t s^2 the formula is off by 2% at t = 0.9",
    (
        "17b",
        "(exact(places, t) - RING.velocity(places, t)).abs().max() < 0.001",
    ): "the lesson's function and the package's",
    ("17b", "on_grid[0.9][0] < 0.01"): "at t = 0.75 it is 0.87",
    ("17b", "gap < 1e-06"): CONTROL,
    ("17b", "(((1 - t) * v - x_t) / t - score).abs().max() > 0.1"): "it is the control itself",
    ("17b", "min(gaps) > 3 * own_error"): "with the exact velocity the gap is own_error itself",
    ("17c", "gain > 10 * error"): "a student that learned nothing is the teacher's one call, with the gain 0",
}
RECORDER = '''
class _Asserts:
    """What the comparisons in asserts compared, by number; of one that is made several times, the tightest."""

    def __init__(self):
        self.seen = {}

    def number(self, value):
        import numpy as np
        value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
        try:
            return np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return None

    def keep(self, key, left, right, gap, tolerance):
        import numpy as np
        one = lambda x: float(np.ravel(x)[0]) if np.size(x) == 1 else f"{np.shape(x)}"
        if gap is None:
            entry = {"left": repr(left)[:60], "right": repr(right)[:60], "gap": None, "tolerance": None}
        else:
            gap, tolerance = np.broadcast_arrays(gap, tolerance)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = np.where(tolerance > 0, gap / np.where(tolerance > 0, tolerance, 1), np.inf)
            at = int(np.argmax(ratios)) if ratios.size else 0
            if not ratios.size:
                return
            entry = {"left": one(left), "right": one(right), "gap": float(gap.flat[at]),
                     "tolerance": float(tolerance.flat[at])}
        before = self.seen.setdefault(key, entry | {"times": 0})
        times = before["times"] + 1
        if gap is not None and before["gap"] is not None:
            size = lambda e: e["gap"] / e["tolerance"] if e["tolerance"] > 0 else float("inf")
            if size(entry) > size(before):
                self.seen[key] = entry
        self.seen[key]["times"] = times

    def compare(self, key, op, left, right):
        import operator
        result = getattr(operator, op)(left, right)
        a, b = self.number(left), self.number(right)
        if a is None or b is None:
            self.keep(key, left, right, None, None)
        elif op in ("eq", "ne"):
            if a.shape == b.shape or not (a.ndim and b.ndim):
                self.keep(key, a, b, abs(a - b), 0 * abs(a - b))
            else:
                self.keep(key, left, right, None, None)
        else:
            self.keep(key, a, b, *((a, b) if op in ("lt", "le") else (b, a)))
        return result

    def close(self, key, function, name, *args, **options):
        import numpy as np
        result = function(*args, **options)
        if len(args) > 1:
            a, b = self.number(args[0]), self.number(args[1])
            atol = options.get("atol", 1e-8)
            rtol = options.get("rtol", 1e-5)
            self.keep(key, a, b, abs(a - b), atol + rtol * abs(b))
        return result

    def difference(self, key, left, right):
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            import numpy as np
            one = lambda x: f"{float(np.ravel(x)[0]):.6g}" if np.size(x) == 1 else f"{np.shape(x)}"
            self.seen.setdefault(key, {"times": 0})["sides"] = f"{one(a)} and {one(b)}"
        return left - right

_asserts = _Asserts()
'''
UNANSWERED = "NO ANSWER"
NAMES = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}


@dataclass(frozen=True)
class Place:
    """A comparison: the cell's index in the notebook, the comparison's text, the text of its whole assert."""

    cell: int
    text: str
    test: str


class Instrumented(ast.NodeTransformer):
    """Wrap the comparisons in a cell's asserts so that the recorder sees their values; note each place."""

    def __init__(self, cell: int, places: list[Place]) -> None:
        self.cell, self.places, self.test, self.key = cell, places, "", -1

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Leave functions alone: what they assert is not what the lesson asserts where it calls them."""
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Instrument the test; its message stays."""
        self.test = ast.unparse(node.test)
        node.test = self.visit(node.test)
        self.test = ""
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Make a comparison, or a chain of them, calls of the recorder; `in` and `is` stay."""
        if not self.test or not all(type(op) in NAMES for op in node.ops):
            return node
        sides = [node.left, *node.comparators]
        texts = [ast.unparse(side) if not isinstance(side, ast.Compare) else f"({ast.unparse(side)})" for side in sides]
        sides = [self.visit(side) if isinstance(side, ast.Compare) else side for side in sides]  # (a < b) == c
        calls = []
        for k, (op, left, right) in enumerate(zip(node.ops, sides, sides[1:], strict=False)):
            text = f"{texts[k]} {SIGNS[type(op)]} {texts[k + 1]}"
            if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):  # in a chain: 1 > 1e-4 > 1e-20
                continue
            key = self.note(text)
            calls.append(call("compare", key, NAMES[type(op)], self.sides(left, key), self.sides(right, key)))
        return calls[0] if len(calls) == 1 else ast.BoolOp(ast.And(), calls)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Make `allclose` and `isclose` calls of the recorder."""
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if not self.test or name not in CLOSE:
            return self.generic_visit(node)
        wrapped = call("close", self.note(ast.unparse(node)), None, name)
        wrapped.args[1:2] = [node.func]
        wrapped.args += node.args
        wrapped.keywords = node.keywords
        return wrapped

    def sides(self, node: ast.expr, key: int) -> ast.expr:
        """Let the recorder see both sides of a difference of which only the size is compared."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and getattr(inner.func, "id", getattr(inner.func, "attr", "")) == "abs":
                target = inner.args[0] if inner.args else getattr(inner.func, "value", None)
                if isinstance(target, ast.BinOp) and isinstance(target.op, ast.Sub):
                    seen = call("difference", f"{key} sides", target.left, target.right)
                    if inner.args:
                        inner.args[0] = seen
                    else:
                        inner.func.value = seen
                    break
        return node

    def note(self, text: str) -> int:
        """Give a comparison its number."""
        self.places.append(Place(self.cell, text, self.test))
        return len(self.places) - 1


SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def call(method: str, *arguments: object) -> ast.Call:
    """Return a call of the recorder; what is no piece of code becomes a constant."""
    given = [one if isinstance(one, ast.AST) else ast.Constant(one) for one in arguments]
    return ast.Call(ast.Attribute(ast.Name("_asserts", ast.Load()), method, ast.Load()), given, [])


def instrument(notebook: lessons.NotebookNode) -> list[Place]:
    """Instrument a notebook's asserts in place; return the places of their comparisons."""
    places: list[Place] = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and "assert" in cell.source:
            tree = Instrumented(index, places).visit(ast.parse(cell.source))
            cell.source = ast.unparse(ast.fix_missing_locations(tree))
    return places


def measured(path: Path, speed: str) -> list[tuple[Place, dict]]:
    """Run a lesson with its asserts instrumented; return each comparison that was made, with what it compared."""
    notebook = lessons.read(path)
    places = instrument(notebook)
    last = v4.new_code_cell("import json\nprint(json.dumps({str(key): seen for key, seen in _asserts.seen.items()}))")
    notebook.cells = [v4.new_code_cell(RECORDER), *notebook.cells, last]
    lessons.execute_cells(notebook, path, speed)
    seen = json.loads(last.outputs[0].text)
    return [(place, seen[str(k)] | seen.get(f"{k} sides", {})) for k, place in enumerate(places) if str(k) in seen]


def mark(place: Place, entry: dict) -> str:
    """Return "0" or "1/20" for a comparison that could hardly have failed, "=" for an exact one, or ""."""
    gap, tolerance = entry["gap"], entry["tolerance"]
    if gap is None:
        return ""
    if " == " in place.text or " != " in place.text:
        return "="
    if gap == 0:
        return "" if sign_only(place.text) else "0"
    return "1/20" if tolerance > 0 and abs(gap) < tolerance / 20 and gap > 0 else ""


def sign_only(text: str) -> bool:
    """Return whether a comparison asks for a sign only: one side is the number 0 as written."""
    return text.startswith("0 ") or text.endswith((" 0", " 0.0"))


def listing(path: Path, speed: str) -> str:
    """Return the listing of a lesson's asserts as text, a comparison a line."""
    lines = [f"{path.stem} at {speed} speed"]
    for place, entry in measured(path, speed):
        sign = mark(place, entry)
        answer = ANSWERS.get((lessons.number(path), place.text), UNANSWERED) if sign in ("0", "1/20") else ""
        sides = entry.get("sides") or f"{show(entry['left'])} and {show(entry['right'])}"
        gap = "" if entry["gap"] is None else f"gap {entry['gap']:.3g} of {entry['tolerance']:.3g}"
        lines.append(f"{sign:>5} | cell {place.cell:>2} | {place.text} | {sides} | {gap} | {answer}".rstrip(" |"))
    return "\n".join(lines)


def show(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 1 when a lesson failed or a question has no answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", nargs="*", help="numbers of lessons, such as 04 or 04b; none means all")
    parser.add_argument("--speed", default="class", choices=("smoke", "class", "full"))
    options = parser.parse_args(arguments)
    paths = {lessons.number(path): path for path in lessons.lessons()}
    unknown = [given for given in options.lesson if given not in paths]
    if unknown:
        parser.error(f"no lesson {' '.join(unknown)} in notebooks/; there is: {' '.join(paths)}")
    failed = False
    for given in options.lesson or paths:
        try:
            text = listing(paths[given], options.speed)
            failed |= UNANSWERED in text
            print(text, flush=True)
        except lessons.LessonError as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
