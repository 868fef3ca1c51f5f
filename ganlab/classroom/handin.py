"""The student's own look before handing in: `python -m ganlab hand-in 1_game.ipynb`. It gives nothing hidden away."""

import argparse

from ganlab.runtime import path_argument

CELL_SECONDS = 120  # as `make grade` has it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes to its parser."""
    parser.add_argument("file", type=path_argument, metavar="FILE", help="your notebook, such as 1_game.ipynb")
    parser.add_argument("--cell-seconds", type=int, default=CELL_SECONDS, help="a cell may take (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Print what is missing in a notebook; return 0 if nothing is, 1 otherwise."""
    from ganlab.classroom import completeness  # here: what it imports takes a second, which other commands need not
    from ganlab.classroom.reading import UnreadableError, read

    try:
        notebook = read(options.file)
    except UnreadableError as error:
        raise ValueError(f"file: {options.file.name} {error}") from error
    print(f"{options.file.name}: running all cells in a copy, as grading will.")
    missing = completeness.form(notebook, options.file)
    missing += completeness.execution(options.file, options.cell_seconds)
    for line in missing:
        print(f"- {line}")
    if missing:
        print(f"{len(missing)} things to look at. You may hand in all the same: each costs its own points at most.")
    else:
        print("All is there: nothing raises, every part is attempted. Save, and hand in this file.")
    return 1 if missing else 0
