"""For dramatiq: the naive actor with Django set up."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.naive.settings")
django.setup()

from . import tasks  # noqa: E402, F401
