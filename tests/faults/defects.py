"""Deliberate defects: what the product would be without one of its parts.

A harness that cannot turn red proves nothing; each of these must turn one red.
"""

from collections.abc import Callable, Mapping
from types import ModuleType

#: Defect → module → what is done to it right after its import.
DEFECTS: Mapping[str, Mapping[str, Callable[[ModuleType], None]]] = {}
