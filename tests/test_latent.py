"""Latent space: arcs, principal directions against what they are known to be, traversals, and codes there and back."""

import math

import pytest
import torch
from torch import nn

from ganlab import models, runtime
from ganlab.models import latent

# Arcs.


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=runtime.seeded_generator("test", seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slerp_ends_exactly_where_it_should(dtype: torch.dtype) -> None:
    for seed in range(20):
        a, b = drawn(2, 100, seed=seed).to(dtype)
        assert torch.equal(models.slerp(a, b, 0), a) and torch.equal(models.slerp(a, b, 1), b)
        assert torch.equal(models.slerp(a, a, 1), a)


def test_slerp_turns_evenly_and_its_length_goes_evenly() -> None:
    a, b = drawn(2, 100)
    b = 3 * b
    path = models.slerp(a, b, torch.linspace(0, 1, 11, dtype=torch.float64))
    assert path.shape == (11, 100)
    assert torch.allclose(path.norm(dim=1), torch.linspace(a.norm().item(), b.norm().item(), 11, dtype=torch.float64))
    unit = nn.functional.normalize(path, dim=1)
    steps = (unit[1:] * unit[:-1]).sum(1).acos()
    whole = (unit[0] @ unit[-1]).acos()
    assert torch.allclose(steps, whole / 10)
    # in the plane of a and b: nothing is left when both are taken out
    basis = torch.linalg.qr(torch.stack([a, b]).T)[0]
    assert torch.allclose(path, path @ basis @ basis.T)


def test_slerp_a_quarter_turn_by_hand() -> None:
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 4.0, 0.0])
    assert torch.allclose(models.slerp(a, b, 0.5), 3 / math.sqrt(2) * torch.tensor([1.0, 1.0, 0.0]))
    third = 2 + 2 / 3  # length a third of the way
    assert torch.allclose(
        models.slerp(a, b, 1 / 3), third * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6), 0])
    )


def test_slerp_of_parallel_and_of_zero_vectors_is_the_line() -> None:
    a = drawn(100).float()
    assert torch.allclose(models.slerp(a, 3 * a, 0.25), 1.5 * a)
    nearly = a + 1e-5 * drawn(100, seed=1).float()
    assert torch.allclose(models.slerp(a, nearly, 0.5), (a + nearly) / 2)
    assert torch.allclose(models.slerp(torch.zeros(100), a, 0.25), 0.25 * a)
    assert torch.equal(models.slerp(torch.zeros(100), torch.zeros(100), 0.5), torch.zeros(100))


def test_slerp_hardly_changes_where_line_and_arc_meet() -> None:
    a = torch.tensor([1.0, 0.0])
    for angle in (0.00099, 0.00101):  # either side of the choice
        b = torch.tensor([math.cos(angle), math.sin(angle)])
        expected = torch.tensor([math.cos(0.3 * angle), math.sin(0.3 * angle)])
        assert torch.allclose(models.slerp(a, b, 0.3), expected, atol=2e-7)


def test_slerp_takes_many_pairs_at_once() -> None:
    a, b = drawn(2, 5, 7)
    rows = torch.stack([models.slerp(a[k], b[k], 0.3) for k in range(5)])
    assert torch.allclose(models.slerp(a, b, 0.3), rows)
    t = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    assert torch.allclose(models.slerp(a, b, t)[3], models.slerp(a[3], b[3], 0.9))


def test_slerp_refuses_what_has_no_arc() -> None:
    a = drawn(100).float()
    with pytest.raises(ValueError, match="a, b: got opposite directions"):
        models.slerp(a, -2 * a, 0.5)
    with pytest.raises(ValueError, match="a, b: got shapes"):
        models.slerp(a, a[:50], 0.5)
    for t in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="t: got"):
            models.slerp(a, a + 1, t)


# Principal directions.


class Known(nn.Module):
    """A generator whose first layer stretches chosen orthogonal directions by chosen factors, and then bends."""

    latent_dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.directions = torch.linalg.qr(drawn(4, 4))[0].float()  # columns
        self.layer = nn.Linear(4, 12)
        outputs = torch.linalg.qr(drawn(12, 4, seed=1))[0].float()
        self.layer.weight.data = outputs @ torch.diag(torch.tensor([1.0, 5.0, 2.0, 0.5])) @ self.directions.T

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layer(z).relu().unflatten(1, (1, 3, 4))


def test_principal_directions_of_a_layer_with_a_known_answer() -> None:
    generator = Known()
    found = latent.principal_directions(generator, 4)
    expected = generator.directions.T[[1, 2, 0, 3]]
    assert (found.vectors * expected).sum(1).abs() == pytest.approx([1, 1, 1, 1], abs=1e-5)
    assert found.variance_ratios.tolist() == pytest.approx([25 / 30.25, 4 / 30.25, 1 / 30.25, 0.25 / 30.25], rel=1e-5)
    assert (found.vectors.gather(1, found.vectors.abs().argmax(1, keepdim=True)) > 0).all()
    assert torch.equal(latent.principal_directions(generator, 2).vectors, found.vectors[:2])


@pytest.mark.parametrize("upsample", ["transposed", "resize"])
def test_principal_directions_are_what_ganspace_finds_by_sampling(upsample: str) -> None:
    with runtime.seeded(1):
        generator = models.DCGANGenerator(6, 1, 8, width=4, upsample=upsample)
    generator.layers[0].weight.data *= torch.tensor([1, 6, 3, 2, 0.5, 10.0])[:, None, None, None]
    z = models.latents(50_000, 6, runtime.seeded_generator(0))
    with torch.no_grad():
        y = generator.layers[0](z[:, :, None, None]).flatten(1)
    x = (y - y.mean(0)) @ torch.linalg.svd(y - y.mean(0), full_matrices=False)[2][:3].T  # principal coordinates
    regression = torch.linalg.lstsq(x, z).solution  # (3, 6): z is about x @ regression
    one_deviation = regression * x.std(0)[:, None]
    found = latent.principal_directions(generator, 3)
    assert torch.allclose((one_deviation * found.vectors).sum(1).abs(), torch.ones(3), atol=0.02)
    assert torch.allclose(one_deviation.norm(dim=1), torch.ones(3), atol=0.02)
    assert torch.allclose(found.variance_ratios, x.var(0) / y.var(0).sum(), rtol=0.03)


def test_principal_directions_take_any_first_layer_with_weights() -> None:
    with runtime.seeded(1):
        mlp = models.MLPGenerator(5, (1, 8, 8), (16,))
    vectors = latent.principal_directions(mlp, 5).vectors
    right = torch.linalg.svd(mlp.layers[0].weight.detach())[2]
    assert torch.allclose((vectors * right).sum(1).abs(), torch.ones(5), atol=1e-4)
    assert torch.allclose(vectors @ vectors.T, torch.eye(5), atol=1e-5)


def test_principal_directions_refuse_bad_input() -> None:
    generator = Known()
    for n in (0, 5, 2.0):
        with pytest.raises(ValueError, match="n: got"):
            latent.principal_directions(generator, n)
    with pytest.raises(ValueError, match="generator: got Linear without a latent_dim"):
        latent.principal_directions(nn.Linear(2, 2), 1)
    generator.layer.register_forward_pre_hook(lambda _, given: (given[0] ** 2,))
    with pytest.raises(ValueError, match="generator: the first layer of Known is not linear"):
        latent.principal_directions(generator, 2)


# Traversals and points.


def dcgan(latent_dim: int = 20, seed: int = 0) -> models.DCGANGenerator:
    with runtime.seeded(seed):
        return models.DCGANGenerator(latent_dim, 1, 8, width=4)


def test_traversal_is_g_along_the_line_and_leaves_the_generator_alone() -> None:
    generator, state = dcgan().train(), torch.get_rng_state()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    z, direction = drawn(2, 20).float()
    images = latent.traversal(generator, z, direction, [-1.5, 0, 2])
    assert generator.training and not images.requires_grad
    latent.principal_directions(generator, 3)
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in generator.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    expected = generator.eval()(torch.stack([z - 1.5 * direction, z, z + 2 * direction]))
    assert torch.equal(images, expected)


def test_the_start_of_a_seed_is_its_plain_draw() -> None:
    space = latent.LatentSpace(dcgan())
    start = models.latents(1, 20, runtime.seeded_generator(7))
    assert torch.equal(space.z(latent.Point(7)), start)
    assert torch.equal(space.z(latent.Point(7, "axes", ((3, 1.5),)))[0] - start[0], 1.5 * torch.eye(20)[3])
    moved = space.z(latent.Point(7, "principal", ((0, -2.0),)))
    assert torch.allclose(moved - start, -2 * space.principal.vectors[:1], atol=1e-6)


def test_the_space_keeps_the_generator_of_its_time() -> None:
    generator = dcgan()
    space = latent.LatentSpace(generator)
    z, directions = space.z(latent.Point(1)), space.principal.vectors.clone()
    before = space.images(z)
    for weight in generator.parameters():
        weight.data += 1
    assert torch.equal(space.images(z), before)
    assert torch.equal(latent.LatentSpace(dcgan()).principal.vectors, directions)


def test_every_point_survives_its_code() -> None:
    space = latent.LatentSpace(dcgan())
    points = [latent.Point(7), latent.Point(0, "axes"), latent.Point(999_999_999, "axes", ((0, -3.0), (19, 0.1)))]
    for seed in range(200):
        generator = runtime.seeded_generator("points", seed)
        k = torch.randperm(20, generator=generator)[: seed % 6].sort().values.tolist()
        values = [value for value in torch.randint(-30, 31, (6,), generator=generator).tolist() if value]
        moves = tuple((j, round(0.1 * value, 1)) for j, value in zip(k, values, strict=False))
        points.append(latent.Point(seed, latent.KINDS[seed % 2], moves))
    for point in points:
        code = space.code(point)
        assert space.point(code) == point
        assert torch.equal(space.z(space.point(f"  {code.upper()} ")), space.z(point))
    assert len({space.code(point) for point in points}) == len(set(points))


def test_a_code_is_short_and_can_be_typed() -> None:
    space = latent.LatentSpace(dcgan())
    mark = space.marks["principal"]
    assert space.code(latent.Point(7, "principal", ((0, 1.5), (2, -2.0)))) == f"7p,0+1.5,2-2@{mark}"
    assert space.code(latent.Point(7, "axes", ((12, 0.1),))) == "7a,12+0.1@20"
    assert space.point(f"7p,2-2,0+1.50@{mark}".replace("1.50", "1.5")).moves == ((0, 1.5), (2, -2.0))  # any order
    assert space.point("7 a, 12 + 0.0, 3+1 @ 20") == latent.Point(7, "axes", ((3, 1.0),))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("", "expected one such as 7p"),
        ("seven", "expected one such as"),
        ("7", "expected one such as"),
        ("7a", "expected one such as"),
        ("7x@20", "expected one such as"),
        ("-7a@20", "expected one such as"),
        ("7a,1@20", "expected one such as"),
        ("7a,1+1.55@20", "expected one such as"),
        ("7a,1+nan@20", "expected one such as"),
        ("1234567890a@20", "expected one such as"),
        ("7a,1+1@20;", "expected one such as"),
        ("٧a@20", "expected one such as"),
        ("7a@100", "is for latents of 100 numbers, this generator takes 20"),
        ("7p@0000", "is of another generator, 0000; this one is "),
        ("7a,20+1@20", r"got directions \[20\], expected different ones from 0 to 19"),
        ("7a,3+1,3+2@20", r"got directions \[3, 3\]"),
        ("7a,3+3.1@20", "from -3 to 3 standard deviations"),
    ],
)
def test_a_bad_code_is_refused_in_one_line(code: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^code: .*{complaint}") as error:
        latent.LatentSpace(dcgan()).point(code)
    assert "\n" not in str(error.value)


def test_principal_codes_are_of_one_generator_and_axes_of_any_of_the_size() -> None:
    mine, other = latent.LatentSpace(dcgan()), latent.LatentSpace(dcgan(seed=1))
    axes = latent.Point(3, "axes", ((1, 2.0),))
    assert other.point(mine.code(axes)) == axes
    with pytest.raises(ValueError, match="of another generator"):
        other.point(mine.code(latent.Point(3)))


# Directions kept apart.


def test_what_is_kept_apart_is_at_a_right_angle_to_all_and_the_nearest_such():
    wanted, first, second = drawn(3, 6)
    others = torch.stack([first, second + 0.8 * first, 2 * first])  # they lean on each other, and one is a multiple
    way = latent.orthogonal_to(wanted, others)
    assert torch.allclose(others @ way, torch.zeros(3, dtype=way.dtype), atol=1e-12) and abs(way.norm() - 1) < 1e-12
    rest = torch.linalg.svd(others).Vh[2:]  # a basis of all that is at right angles
    assert torch.allclose(way, nn.functional.normalize(rest.T @ (rest @ wanted), dim=0))


@pytest.mark.parametrize(
    ("direction", "others", "words"),
    [
        (torch.ones(3), torch.ones(3), r"direction, others: got shapes \(3,\) and \(3,\), expected"),
        (torch.ones(3), torch.ones(1, 4), r"expected \(D,\) and \(k, D\)"),
        (torch.ones(3), torch.tensor([[2.0, 2.0, 2.0], [1.0, 0.0, 0.0]]), "nothing at a right angle"),
    ],
)
def test_directions_that_cannot_be_kept_apart_are_refused(direction, others, words):
    with pytest.raises(ValueError, match=words):
        latent.orthogonal_to(direction, others)
