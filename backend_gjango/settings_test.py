"""Settings of the tests: the real parts, nothing remote, quick password hashes."""

from .settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
