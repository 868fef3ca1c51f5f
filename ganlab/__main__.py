"""`python -m ganlab`: the command line, in each of torchrun's processes."""

import sys

from ganlab.cli import main
from ganlab.train import parallel

if __name__ == "__main__":
    sys.exit(parallel.together(main))
