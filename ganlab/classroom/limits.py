"""What a submission may use."""

from dataclasses import dataclass

OUTPUT_MB = 5  # that a cell may print


@dataclass(frozen=True)
class Limits:
    """Seconds a cell and a notebook may take, megabytes its processes may use together."""

    cell_seconds: int = 120
    notebook_seconds: int = 900
    memory_mb: int = 3000
