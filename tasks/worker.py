"""What Dramatiq imports: ``dramatiq tasks.worker --queues live fetch bulk``."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_gjango.settings")
django.setup()

from . import actors  # noqa: E402
from .broker import broker  # noqa: E402

# A batch makes a hundred thousand values and no cycles: by default a seventh of settling's time
# goes into looking for them.
gc.freeze()
gc.set_threshold(100_000, 20, 20)

__all__ = ["actors", "broker"]
