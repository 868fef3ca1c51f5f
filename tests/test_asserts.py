"""The listing of asserts sees what an assert compared, and marks what could hardly fail."""

import asserts
import nbformat.v4 as v4
import pytest
from asserts import Place


def listed(source: str) -> list[tuple[Place, dict]]:
    """Return what the recorder saw of one cell, run here."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source)])
    places = asserts.instrument(notebook)
    space: dict = {}
    exec(asserts.RECORDER, space)
    exec(notebook.cells[0].source, space)
    seen = space["_asserts"].seen
    return [(place, seen[k] | seen.get(f"{k} sides", {})) for k, place in enumerate(places) if k in seen]


def marks(source: str) -> list[str]:
    return [asserts.mark(place, entry) for place, entry in listed(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 0.1 + 0.2\nassert abs(x - 0.3) < 1e-12", ["1/20"]),
        ("x = 0.3\nassert abs(x - 0.3) < 1e-12", ["0"]),
        ("x = 0.4\nassert abs(x - 0.3) < 0.2", [""]),
        ("x = 3\nassert x == 3 and x > 2", ["=", ""]),
        ("x = 3\nassert 100 > x > 0", ["1/20", ""]),  # 3 of 100; and a sign
        ("x = 1e-30\nassert 1 > 1e-4 > x", ["1/20"]),  # two numbers as written are no comparison
        ("import torch\nx = torch.ones(3)\nassert torch.allclose(x, x, atol=1e-5)", ["0"]),
        ("import torch\nx = torch.ones(3)\nassert torch.allclose(x, x + 1e-5, atol=2e-5)", [""]),
        ("import torch\nx = torch.ones(3)\nassert (x - x).abs().max() < 1e-5", ["0"]),
        ("x = 1e-9\nassert (x < 1) == (2 > x)", ["1/20", "1/20", "="]),  # comparisons that are compared
        ("for x in (1e-9, 0.5):\n    assert x < 1", [""]),  # the tightest of all
        ("assert all(x < 1 for x in (1e-9, 1e-8))", ["1/20"]),
        ("def f(x):\n    assert x < 1\nf(1e-9)", []),  # a function's own
        ("assert 'a' in 'abc'", []),
        ("lab = 'class'\nassert lab == 'smoke' or 2 < 3.5 - 0.5", ["", ""]),
    ],
)
def test_an_assert_that_could_hardly_fail_is_marked(source: str, expected: list[str]) -> None:
    assert marks(source) == expected


def test_both_sides_of_a_difference_are_seen() -> None:
    [(place, entry)] = listed("a, b = 2.0, 1.5\nassert abs(a - b) < 1")
    assert place.text == "abs(a - b) < 1" and entry["sides"] == "2 and 1.5"
    assert (entry["gap"], entry["tolerance"]) == (0.5, 1.0)


def test_a_failing_assert_still_fails_and_its_message_stays() -> None:
    with pytest.raises(AssertionError, match="too far"):
        listed("a = 2\nassert abs(a - 1) < 0.5, 'too far'")


def test_each_answer_is_of_a_comparison_that_stands_in_its_lesson() -> None:
    texts = {
        (asserts.lessons.number(path), place.text)
        for path in asserts.lessons.lessons()
        for place in asserts.instrument(asserts.lessons.read(path))
    }
    assert set(asserts.ANSWERS) - texts == set()


@pytest.mark.parametrize(("compared", "status"), [("1e-9 * one", 1), ("0.5 * one", 0)])
def test_a_question_without_an_answer_makes_the_listing_fail(compared: str, status: int, monkeypatch, capsys) -> None:
    monkeypatch.setattr(asserts, "measured", lambda path, speed: listed(f"one = 1.0\nassert {compared} < 1"))
    assert asserts.main(["00", "--speed", "smoke"]) == status
    assert (asserts.UNANSWERED in capsys.readouterr().out) == bool(status)
