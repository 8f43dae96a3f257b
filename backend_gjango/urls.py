"""All addresses of the Django side. The receiver is a process of its own (``asgi.py``)."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path, re_path

from accounts import errors

from . import health

_LOGIN = auth.LoginView.as_view(template_name="rest_framework/login.html")
_PEOPLE = (
    [
        path("login/", _LOGIN, name="login"),
        path("logout/", auth.LogoutView.as_view(), name="logout"),
    ],
    "rest_framework",
)

urlpatterns = [
    path("live", health.live),
    path("ready", health.ready),
    path("metrics", health.metrics),
    path("", include("sales.api.urls")),
    path("", include(_PEOPLE)),
    path("admin/", admin.site.urls),
    re_path(r"", errors.nothing_here),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
