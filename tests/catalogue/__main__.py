"""Write the names of the tests into docs/faults.md anew: ``python -m tests.catalogue``."""

from .rows import rewrite

rewrite()
