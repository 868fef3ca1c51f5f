"""Assignments for a class: released in a variant of its own, graded in parallel, each submission kept to itself.

`python -m ganlab.classroom release 1` and `grade 1` do the work, by nbgrader. The teacher's guide is
notebooks/assignments/README.md.
"""

import sys

# nbformat's validator imports a grammar of web addresses, at three CPU-seconds a process, and does without it where it
# is not installed. No schema of notebooks asks for an address, so every process of this package does without it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
