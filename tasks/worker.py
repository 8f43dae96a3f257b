"""What Dramatiq imports: ``dramatiq tasks.worker --queues live fetch bulk``."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_gjango.settings")
django.setup()

from . import actors  # noqa: E402
from .broker import broker  # noqa: E402

__all__ = ["actors", "broker"]
