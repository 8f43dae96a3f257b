"""Django's settings. Everything that differs between installations comes from ``env.py``."""

import os
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from . import observability
from .start import one_sentence

with one_sentence():
    from . import env as environment
    from .env import env

    SECRET_KEY = environment.secret_key()
    GJANGO_KEYS = environment.encryption_keys()

# Ours alone: structlog, masked, the same in every process.
LOGGING_CONFIG = None
observability.configure(os.environ.get("GJANGO_PROCESS", "manage"))

DEBUG = env.bool("DJANGO_DEBUG", default=False)
ALLOWED_HOSTS = [
    *env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"]),
    urlsplit(environment.PUBLIC_URL).hostname or "localhost",
]
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"])
PUBLIC_URL = environment.PUBLIC_URL

INSTALLED_APPS = [
    "backend_gjango",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "axes",
    "accounts",
    "sales",
    "ingest",
    "tasks",
]
MIDDLEWARE = [
    "accounts.requests.Identify",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.requests.AdminScope",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "backend_gjango.urls"
WSGI_APPLICATION = "backend_gjango.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str, name: str = "DATABASE_URL") -> dict[str, Any]:
    """Turn a libpq URL into Django's words; ``name`` is the variable it came from."""
    options: dict[str, Any] = environment.connection_parameters(url, name)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname", ""),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
        # Both TCP settings: a silent network is noticed within seconds, sending or waiting.
        "OPTIONS": {
            "connect_timeout": 5,
            "tcp_user_timeout": 3000,
            "keepalives_idle": 1,
            "keepalives_interval": 1,
            "keepalives_count": 2,
            **options,
        },
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


with one_sentence():
    DATABASES = {"default": database(environment.DATABASE_URL)}
    #: Whom migrations run as: user and password of DATABASE_OWNER_URL, None where it is not given.
    DATABASE_OWNER = (
        database(environment.DATABASE_OWNER_URL, "DATABASE_OWNER_URL")
        if environment.DATABASE_OWNER_URL
        else None
    )
DATABASE_APP_ROLE = DATABASES["default"]["USER"]
REDIS_URL = environment.REDIS_URL
#: The port of this machine where the demonstration's sources are asked: settings_demo alone.
PLAYED_PORT: int | None = None

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
#: Guessing passwords: so many failures of one name from one address, then a pause. Somebody else's
#: guesses never lock the owner out.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(seconds=env.int("LOGIN_COOLOFF", default=900))
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "backend_gjango.clients.login_address"
AXES_LOCKOUT_CALLABLE = "accounts.errors.too_many_logins"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский"), ("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
LOCALE_PATHS = [environment.ROOT / "locale"]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
APPEND_SLASH = False
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "accounts.errors.csrf_failure"

#: Cookies and HSTS follow the address that the world knows us by.
_SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _SECURE else None
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if _SECURE else []

#: TLS and its redirect end at the proxy in front, and what other names of the domain do is not
#: ours to promise (W005 subdomains, W021 preload, W008 redirect).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
#: The same cap as a delivery's. Forms are the admin's.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.Bearer",
        "accounts.authentication.Session",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.Seated"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["accounts.bodies.RawJSON"],
    "EXCEPTION_HANDLER": "accounts.errors.answer",
}
