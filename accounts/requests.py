"""The middleware of every Django request: its id, and the headers of every answer."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

from .rls import scoped

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: The admin and the browsable pages need no script of their own inside the page, only styles.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_SERVER_ERROR = 500

Next = Callable[[HttpRequest], HttpResponseBase]


def request_id(request: object) -> str:
    """Return the id of the request, ours or the one that came in ``X-Request-Id``."""
    return str(getattr(getattr(request, "_request", request), "request_id", ""))


class Identify:
    """Give the request an id, bind it to the log, and give it back in ``X-Request-Id``."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the id and the policy of content."""
        given = request.headers.get("X-Request-Id", "")
        number = given if _ID.match(given) else uuid.uuid4().hex
        request.request_id = number  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=number):
            response = self.get_response(request)
        response.headers["X-Request-Id"] = number
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


class AdminScope:
    """Run a page of the admin, its rendering included, in a transaction that sees one's accounts.

    It stands after the middleware that knows who is logged in.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, under its scope where it is the admin's."""
        from .models import User
        from .principal import of_user

        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        accounts = of_user(request.user).accounts if isinstance(request.user, User) else ()
        with scoped(accounts):
            response = self.get_response(request)
            if response.status_code >= _SERVER_ERROR:
                transaction.set_rollback(True)
            return response
