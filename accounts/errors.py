"""Every refusal in one shape: ``{"code", "detail", "field"?, "hint", "request_id"}``."""

import math
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.views import csrf, defaults
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.response import Response

from .messages import PROBLEMS
from .requests import request_id

#: Seconds until a client should ask again while the database is away.
RETRY_AFTER = "5"


class ApiError(exceptions.APIException):
    """A refusal by its code in ``messages.PROBLEMS``; ``field`` names what to change."""

    def __init__(self, code: str, *, field: str | None = None, **values: Any) -> None:
        self.code = code
        self.field = field
        self.values = values if field is None else {"field": field, **values}
        self.headers: dict[str, str] = {}
        self.status_code = PROBLEMS[code].status
        super().__init__(code, code)


def body(code: str, request: HttpRequest, *, field: str | None, values: Any) -> dict[str, Any]:
    """Return the body of a refusal in the language of the request."""
    problem = PROBLEMS[code]
    return {
        "code": code,
        "detail": problem.detail(**values),
        **({"field": field} if field is not None else {}),
        "hint": problem.hint(**values),
        "request_id": request_id(request),
    }


def _parse(error: Exception) -> ApiError:
    return ApiError("body_malformed", reason=str(error))


def _validation(error: Exception) -> ApiError:
    return ApiError("invalid", reason=str(getattr(error, "detail", error)))


def _method(error: Exception) -> ApiError:
    return ApiError("method_not_allowed", method=getattr(error, "method", ""))


def _is(code: str) -> Callable[[Exception], ApiError]:
    return lambda error: ApiError(code)


#: What the framework raises → what we say. The first class that fits wins.
_KNOWN: Mapping[type[Exception], Callable[[Exception], ApiError]] = {
    exceptions.NotAuthenticated: _is("unauthenticated"),
    exceptions.AuthenticationFailed: _is("token_invalid"),
    exceptions.PermissionDenied: _is("forbidden"),
    PermissionDenied: _is("forbidden"),
    exceptions.NotFound: _is("not_found"),
    Http404: _is("not_found"),
    exceptions.MethodNotAllowed: _method,
    exceptions.NotAcceptable: _is("not_acceptable"),
    exceptions.UnsupportedMediaType: _is("unsupported_media_type"),
    exceptions.ParseError: _parse,
    exceptions.ValidationError: _validation,
    exceptions.Throttled: _is("throttled"),
}


def _is_away(error: BaseException | None) -> bool:
    """Say whether it is the state of the database that speaks: ask again later."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    # A server that fell back to reading only: Django has no class for it.
    return isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)


def _translate(error: Exception) -> ApiError | None:
    if isinstance(error, ApiError):
        return error
    if _is_away(error):
        return ApiError("unavailable")
    for kind, make in _KNOWN.items():
        if isinstance(error, kind):
            return make(error)
    return None


def _headers(error: Exception) -> dict[str, str]:
    found: dict[str, str] = dict(getattr(error, "headers", {}))
    if challenge := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = challenge
    if _is_away(error):
        found["Retry-After"] = RETRY_AFTER
    return found


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a refusal (DRF's exception handler); None for a bug."""
    # The view's transaction is still open around us: nothing of a refused request may stay.
    if connection.in_atomic_block:
        transaction.set_rollback(True)
    known = _translate(error)
    if known is None:
        return None
    request: HttpRequest = context["request"]
    return Response(
        body(known.code, request, field=known.field, values=known.values),
        status=known.status_code,
        headers=_headers(error),
    )


def refuse(request: HttpRequest, code: str, **values: Any) -> JsonResponse:
    """Refuse outside of DRF's views."""
    return JsonResponse(
        body(code, request, field=None, values=values),
        status=PROBLEMS[code].status,
        json_dumps_params={"ensure_ascii": False},
    )


def too_many_logins(request: HttpRequest, *_: Any) -> JsonResponse:
    """Refuse a name that was tried too often from one address (django-axes' lockout)."""
    pause: timedelta = settings.AXES_COOLOFF_TIME
    response = refuse(request, "too_many_logins", minutes=math.ceil(pause / timedelta(minutes=1)))
    response.headers["Retry-After"] = str(math.ceil(pause.total_seconds()))
    return response


def nothing_here(request: HttpRequest, *_: Any, **__: Any) -> JsonResponse:
    """Answer 404 for an address that nobody serves, and say which one was meant."""
    if request.path.startswith("/hooks/"):
        return refuse(request, "hooks_elsewhere")
    if not request.path.endswith("/") and _is_served(request.path + "/"):
        return refuse(request, "slash_missing", path=request.path + "/")
    return refuse(request, "not_found")


def _is_served(path: str) -> bool:
    try:
        return resolve(path).func is not nothing_here
    except Resolver404:
        return False


Page = Callable[..., HttpResponseBase]


def _handler(code: str, page: Page) -> Page:
    def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.path.startswith("/admin/"):
            return page(request, *args, **kwargs)
        return refuse(request, code)

    return handle


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer what nobody caught: 503 where the database is away, the session's part included."""
    if _is_away(sys.exception()):
        response = refuse(request, "unavailable")
        response.headers["Retry-After"] = RETRY_AFTER
        return response
    return _handler("internal", defaults.server_error)(request)


#: Django's own handlers; the admin keeps its pages.
bad_request = _handler("bad_request", defaults.bad_request)
forbidden = _handler("forbidden", defaults.permission_denied)
not_found = _handler("not_found", defaults.page_not_found)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer a form without its CSRF token."""
    if request.path.startswith("/admin/"):
        return csrf.csrf_failure(request, reason)
    return refuse(request, "csrf")
