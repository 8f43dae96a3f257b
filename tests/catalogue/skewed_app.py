"""The product's receiver on a machine whose clock is wrong by GJANGO_TEST_SKEW seconds."""

import os
import time

_real, _skew = time.time, float(os.environ["GJANGO_TEST_SKEW"])
time.time = lambda: _real() + _skew

from backend_gjango.asgi import application  # noqa: E402

__all__ = ["application"]
