"""ganlab: the small PyTorch package under a course on how machines generate images."""

import importlib
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import a room when it is first asked for, so that `import ganlab; ganlab.data` works and loads nothing else."""
    try:
        return importlib.import_module(f"ganlab.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"ganlab.{name}":
            raise  # the room is there, and lacks something of its own
        raise AttributeError(f"module 'ganlab' has no attribute {name!r}") from None
