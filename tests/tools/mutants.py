"""`make mutants`: are wrong answers refused, with a hint that is true, and right ones accepted? Survivors are listed.

python tests/tools/mutants.py [01 ... | 1_game ...]     some lessons or assignments; all without arguments
python tests/tools/mutants.py --variants 5              the assignments in more variants than two
"""

import argparse
import contextlib
import importlib
import io
import os
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("TQDM_DISABLE", "1")

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the assignments' own tools lie

import assignments  # noqa: E402
import lessons  # noqa: E402

from ganlab import check  # noqa: E402

LOWEST = 0.95  # share of wrong answers refused; of right ones, all must be accepted
HIDDEN = 104_729  # any odd number: the hidden variant must not follow from the other by eye


def of_lesson(number: str) -> Iterable[assignments.Judged]:
    """Judge the bank of a lesson's exercises."""
    bank = runpy.run_path(str(Path(__file__).parents[1] / "answers" / f"lesson_{number}.py"))["ANSWERS"]
    exercises = importlib.import_module(f"ganlab.check.lesson_{number}").EXERCISES
    for part, answers in bank.items():
        for k, given in enumerate(answers["right"]):
            verdict = check.judge(exercises[part], given)
            good = verdict.status == "correct"
            yield assignments.Judged(f"{part}, right {k}", True, good, good, verdict)
        for k, (given, words) in enumerate(answers["wrong"]):
            verdict = check.judge(exercises[part], given)
            told = words in verdict.message.partition("Hint: ")[2]
            yield assignments.Judged(f"{part}, wrong {k} ({words})", False, verdict.status != "correct", told, verdict)


def of_assignment(name: str, variants: int) -> Iterable[assignments.Judged]:
    """Judge the bank of an assignment in so many variants; the first is the open one."""
    for k in range(1, variants + 1):
        with assignments.played(name, k, 1 if k == 1 else k * HIDDEN) as play:
            yield from assignments.judged(name, play)


def tally(title: str, found: list[assignments.Judged]) -> tuple[str, list[str], bool]:
    """Return a line of the table, the survivors, and whether the aims are met."""
    wrong, right = ([one for one in found if one.right is kind] for kind in (False, True))
    killed, hinted, accepted = sum(o.good for o in wrong), sum(o.hint for o in wrong), sum(o.good for o in right)
    line = f"{title:24}{killed:6} of {len(wrong):4}   {100 * killed / max(len(wrong), 1):5.1f}%"
    line += f"{hinted:9} of {len(wrong):4}{accepted:9} of {len(right):4}"
    survivors = [f"{title}, {one.name}: {one.verdict.message}" for one in found if not (one.good and one.hint)]
    return line, survivors, killed >= LOWEST * len(wrong) and accepted == len(right)


def by_part(found: list[assignments.Judged]) -> Iterable[str]:
    """Return a line for each part of an assignment: what is amiss there, and of how many answers."""
    for part in dict.fromkeys(one.name.partition(",")[0] for one in found):
        mine = [one for one in found if one.name.partition(",")[0] == part]
        wrong, right = ([one for one in mine if one.right is kind] for kind in (False, True))
        accepted, refused = (sum(not one.good for one in some) for some in (wrong, right))
        unhinted = sum(one.good and not one.hint for one in wrong)
        yield (
            f"  {part:22}{accepted:4} of {len(wrong):4} wrong accepted{unhinted:6} without their hint"
            f"{refused:6} of {len(right):4} right refused"
        )


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the survivors; return 0 if the aims are met everywhere, else 1."""
    parser = argparse.ArgumentParser(description="Judge the banks of answers.")
    parser.add_argument("only", nargs="*", metavar="01 or 1_game")
    parser.add_argument("--variants", type=int, default=2)
    chosen = parser.parse_args(arguments)
    numbers = [lessons.number(path) for path in lessons.lessons()]
    known = [*numbers, *assignments.names()]
    if unknown := set(chosen.only) - set(known):
        parser.error(f"no bank for {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print(f"{'':24}{'wrong answers refused':27}{'hint right':>14}{'right accepted':>18}")
    everything, survivors, well = [], [], True
    for one in chosen.only or known:
        with contextlib.redirect_stderr(io.StringIO()):  # warnings that wrong answers earn from torch
            found = list(of_lesson(one) if one in numbers else of_assignment(one, chosen.variants))
        line, left, met = tally(f"lesson {one}" if one in numbers else one, found)
        print(line, *([] if one in numbers else by_part(found)), sep="\n", flush=True)
        everything, survivors, well = everything + found, survivors + left, well and met
    print(tally("all", everything)[0])
    print(f"\nSurvivors, wrongly accepted or refused, and hints that miss the slip: {len(survivors) or 'none'}")
    print(*survivors, sep="\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
