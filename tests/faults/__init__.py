"""Faults put into real processes from the outside: the product has no hook for them.

A process takes them in only when it was started with ``environment()``: its ``PYTHONPATH`` names
``tests/faults/site``, its settings are those of the tests, and ``GJANGO_FAULTS`` says which. So an
installation cannot load them: nothing that it runs knows this package.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SETTINGS = "backend_gjango.settings_test"
VARIABLE = "GJANGO_FAULTS"
ROOT = Path(__file__).resolve().parent.parent.parent
SITE = Path(__file__).resolve().parent / "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A failpoint: what happens around a call of a function of the product.

    ``at`` is ``module:function`` or ``module:Class.method``; ``when`` is before or after the call;
    ``do`` is kill (SIGKILL of the process), raise (OSError) or sleep (``seconds``). It strikes at
    the ``nth`` call of the process (1 is the first; 0 is every call), and only as long as the file
    ``once`` does not exist: whoever strikes makes it, so that the next process lives.
    """

    at: str
    when: str = "before"
    do: str = "kill"
    nth: int = 1
    seconds: float = 0.0
    once: str = ""


def environment(*points: Point, defects: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables under which a process takes these points and defects in."""
    path = [str(SITE), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    told = {"points": [asdict(point) for point in points], "defects": list(defects)}
    return {
        "PYTHONPATH": os.pathsep.join(path),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        VARIABLE: json.dumps(told),
    }
