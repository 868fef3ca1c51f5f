"""`python -m ganlab`: the command line, in each of torchrun's processes."""

import sys


def start() -> int:
    """Run the command; return its exit status. Ctrl-C while torch is still being loaded is one line as well."""
    try:
        from ganlab.cli import main
        from ganlab.train import parallel

        return parallel.together(main)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(start())
