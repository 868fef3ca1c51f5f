"""What a submission may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds a cell and a notebook may take, megabytes its processes may use together, and a cell may print."""

    cell_seconds: int = 120
    notebook_seconds: int = 900
    memory_mb: int = 3000
    output_mb: int = 5
