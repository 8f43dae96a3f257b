"""Lists and single records. One view serves every resource."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from accounts.errors import ApiError
from accounts.views import COMMON, ScopedView

from .filters import narrow
from .items import Item
from .pages import PARAMETERS, answer, page
from .resources import RESOURCES, Resource, order_of


class Root(APIView):
    """Адреса API: каждый список под двумя именами. / The addresses of the API."""

    permission_classes = (AllowAny,)
    #: Names of lists, given to ``as_view`` by whoever knows them all.
    names: Sequence[str] = ()

    def get(self, request: Request) -> Response:
        """List all resources, the Russian name and the alias of each."""
        return Response({name: reverse(f"{name}-list", request=request) for name in self.names})


class ResourceView(ScopedView):
    """A view of one resource, which ``as_view`` names."""

    resource: Resource = RESOURCES[0]

    def get_view_name(self) -> str:
        """Return the title of the browsable page."""
        return self.resource.name.capitalize()

    def describe(self, row: Any) -> Item:
        """Return one record."""
        return self.resource.describe([row], self.principal.accounts)[0]

    def find(self, key: UUID) -> Any:
        """Return a row that lists show. Raises ApiError: a foreign id is not found either."""
        row = self.resource.rows(self.principal.accounts).filter(id=key).first()
        if row is None:
            raise ApiError("not_found")
        return row


class ListView(ResourceView):
    """Список. / The list."""

    def known_parameters(self) -> tuple[str, ...]:
        """Return the filters of the resource, and the cursor's."""
        if self.request.method != "GET":
            return COMMON
        return (*self.resource.filters, *PARAMETERS, *COMMON)

    def get(self, request: Request) -> Response:
        """List one page."""
        given = request.query_params.dict()
        accounts = self.principal.accounts
        rows = narrow(self.resource.rows(accounts), self.resource.filters, given)
        found = page(rows, order_of(self.resource, given), given, accounts=accounts)
        return answer(request, found, self.resource.describe(found.rows, accounts))
