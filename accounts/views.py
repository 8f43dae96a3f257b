"""The base of every view of the API: who asks, what one may see, and only known parameters."""

from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction
from django.http import Http404
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .errors import ApiError
from .permissions import Seated
from .principal import Principal
from .repeating import lost, repeat
from .rls import set_scope

#: Parameters of every view: narrow to one account, choose the format of the answer.
COMMON = ("account", "format")


class ScopedView(APIView):
    """A view that runs in one transaction which sees the rows of the asker's accounts alone."""

    permission_classes = (Seated,)
    principal: Principal
    _last_time = True

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Open the transaction around authentication and the view; repeat it where it lost."""

        def once(last_time: bool) -> HttpResponseBase:
            self._last_time = last_time
            with transaction.atomic():
                return super(ScopedView, self).dispatch(request, *args, **kwargs)

        return repeat(once)

    def handle_exception(self, exc: Exception) -> Response:
        """Turn what was raised into a refusal; a lost race goes on to whoever repeats."""
        if lost(exc) and not self._last_time:
            raise exc
        return super().handle_exception(exc)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then set the scope before any row is looked at."""
        super().initial(request, *args, **kwargs)
        self.check_parameters(request)
        principal = cast("Principal", request.auth)
        if slug := request.query_params.get("account"):
            principal = principal.narrowed(slug)
        self.principal = principal
        set_scope(principal.accounts)

    def known_parameters(self) -> tuple[str, ...]:
        """Return the names that a query may hold."""
        return COMMON

    def check_parameters(self, request: Request) -> None:
        """Raise ApiError for a parameter that is unknown or given twice."""
        known = self.known_parameters()
        given: Mapping[str, list[str]] = dict(request.query_params.lists())
        for name, values in given.items():
            if name not in known:
                raise ApiError("unknown_parameter", field=name[:100], known=", ".join(known))
            if len(values) > 1:
                raise ApiError("parameter_repeated", field=name)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Choose the format of the answer. Raises ApiError for an unknown ``format``."""
        try:
            return super().perform_content_negotiation(request, force)
        except Http404 as error:
            known = ", ".join(renderer.format for renderer in self.get_renderers())
            raise ApiError("parameter_unusable", field="format", expected=known) from error
