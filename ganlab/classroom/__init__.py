"""Assignments for a class: released in a variant of its own, graded in parallel, each submission kept to itself.

`python -m ganlab.classroom release 1` and `grade 1` do the work, by nbgrader. The teacher's guide is
notebooks/assignments/README.md.
"""
