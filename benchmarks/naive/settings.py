"""Settings of the baselines: production-like (DEBUG off, persistent connections), nothing more."""

import os

from backend_gjango.settings import database

SECRET_KEY = "a benchmark has no secrets"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["rest_framework", "benchmarks.naive"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.naive.urls"
DATABASES = {"default": database(os.environ["BENCH_DATABASE_URL"]) | {"CONN_MAX_AGE": None}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}
LOGGING_CONFIG = None
