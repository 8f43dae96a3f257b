"""All addresses of the Django side. The receiver is a process of its own (``asgi.py``)."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path, re_path

from accounts import errors
from sales.api import urls as sales
from sales.api.views import Root
from tasks.api import urls as events

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
    path("", Root.as_view(names=(*sales.NAMES, *events.NAMES)), name="root"),
    path("", include(sales)),
    path("", include(events)),
    path("", include(_PEOPLE)),
    path("admin/", admin.site.urls),
    re_path(r"", errors.nothing_here),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
