"""The Django side: API, admin, browsable pages."""

import os

from django.core.wsgi import get_wsgi_application

from .start import one_sentence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_gjango.settings")
with one_sentence():
    application = get_wsgi_application()
