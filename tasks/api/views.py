"""``/события/``: how events ended; what could not be read, and what is done about it."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.errors import ApiError
from accounts.views import COMMON, ScopedView
from sales.api.filters import narrow
from sales.api.pages import PARAMETERS, answer, page
from sales.selectors import owned

from .. import deadletters, letters
from ..models import Attempt, DeadLetter
from . import filters, items, selection


class EventView(ScopedView):
    """A view over attempts."""

    def rows(self) -> QuerySet[Attempt]:
        """Return the attempts that may be seen."""
        return owned(Attempt.objects.select_related("source"), self.principal.accounts)


class Events(EventView):
    """События: чем кончился каждый разбор. / Events: how each run of settling ended."""

    def known_parameters(self) -> tuple[str, ...]:
        """Return the filters of events, and the cursor's."""
        return (*filters.EVENTS, *PARAMETERS, *COMMON)

    def get(self, request: Request) -> Response:
        """List one page, the newest first."""
        given = request.query_params.dict()
        rows = narrow(self.rows(), filters.EVENTS, given)
        found = page(rows, filters.NEWEST, given, accounts=self.principal.accounts)
        return answer(request, found, items.event_items(found.rows))


class OneEvent(EventView):
    """Один разбор события. / One run over an event."""

    def get(self, request: Request, key: int) -> Response:
        """Retrieve one run."""
        row = self.rows().filter(pk=key).first()
        if row is None:
            raise ApiError("not_found")
        return Response(items.event_items([row])[0])


class LetterView(ScopedView):
    """A view over dead letters."""

    def rows(self) -> QuerySet[DeadLetter]:
        """Return the letters that may be seen."""
        return owned(DeadLetter.objects.select_related("source"), self.principal.accounts)

    def find(self, key: int) -> DeadLetter:
        """Return one letter. Raises ApiError: a foreign id is not found either."""
        row = self.rows().filter(pk=key).first()
        if row is None:
            raise ApiError("not_found")
        return row

    def find_to_change(self, key: int) -> DeadLetter:
        """Return one open letter of an account that may be written to. Raises ApiError."""
        row = self.find(key)
        if not self.principal.may_write(row.account_id):
            raise ApiError("read_only")
        if row.closed_at is not None:
            raise ApiError("letter_closed")
        return row

    def writable(self) -> list[int]:
        """Return the accounts that may be written to."""
        return [key for key in self.principal.accounts if self.principal.may_write(key)]

    def shown(self, row: DeadLetter) -> dict[str, Any]:
        """Return a letter with its attempts, and where its body is."""
        may_read = self.principal.may_write(row.account_id)
        address = reverse("dead-letters-body", [row.pk], request=self.request)
        return items.letter_items([row])[0] | {
            "attempts": items.event_items(list(letters.attempts(row))),
            "body": address if may_read else None,
        }


class Letters(LetterView):
    """Неразобранное, новое первым. / Dead letters, the newest first."""

    def known_parameters(self) -> tuple[str, ...]:
        """Return the filters of letters, and the cursor's."""
        return (*filters.LETTERS, "path", *PARAMETERS, *COMMON)

    def get(self, request: Request) -> Response:
        """List one page of what is open, or of what was closed."""
        given = request.query_params.dict()
        rows = selection.letters(self.rows(), given)
        found = page(rows, filters.NEWEST, given, accounts=self.principal.accounts)
        return answer(request, found, items.letter_items(found.rows))


class Groups(LetterView):
    """Открытое по провайдеру, типу, причине и месту. / What is open, by what it says."""

    def known_parameters(self) -> tuple[str, ...]:
        """Return what narrows the groups."""
        return (*selection.GROUPED, *COMMON)

    def get(self, request: Request) -> Response:
        """List the largest groups; ``complete`` says whether all letters were counted."""
        chosen = selection.grouped(request.query_params.dict(), self.principal.accounts)
        found, complete = deadletters.groups(chosen)
        return Response({"complete": complete, "results": [items.group_item(one) for one in found]})


class Requeue(LetterView):
    """Разобрать отобранное ещё раз. / Settle a selection again."""

    def post(self, request: Request) -> Response:
        """Put one page of letters back into the inbox; ``next`` is where to go on."""
        body = selection.read(request.data, selection.SELECTION, needed=())
        chosen = selection.chosen(body, self.writable())
        done = deadletters.requeue(chosen, before=body.get("before"))
        return Response(
            {"letters": done.letters, "deliveries": len(done.deliveries), "next": done.next}
        )


class Drop(LetterView):
    """Закрыть отобранное с причиной. / Close a selection for a reason."""

    def post(self, request: Request) -> Response:
        """Close one page of letters; ``next`` is where to go on."""
        known = {**selection.SELECTION, **selection.REASON}
        body = selection.read(request.data, known, needed=("reason",))
        chosen = selection.chosen(body, self.writable())
        name = self.principal.name
        done = deadletters.drop(chosen, body["reason"], by=name, before=body.get("before"))
        return Response({"letters": done.letters, "next": done.next})


class OneLetter(LetterView):
    """Одно неразобранное событие. / One dead letter."""

    def get(self, request: Request, key: int) -> Response:
        """Retrieve a letter with its attempts."""
        return Response(self.shown(self.find(key)))


class LetterBody(LetterView):
    """Тело доставки у места ошибки. / The body of the delivery beside the failing path."""

    def get(self, request: Request, key: int) -> Response:
        """Show the place. Only who may edit sees it: bodies hold data of customers."""
        row = self.find(key)
        if not self.principal.may_write(row.account_id):
            raise ApiError("body_restricted")
        found = letters.body(row)
        if found is None:
            raise ApiError("not_found")
        return Response(
            {"path": row.path, "reason": row.reason, **items.body_item(found)},
            headers={"Cache-Control": "no-store"},
        )


class RequeueOne(LetterView):
    """Разобрать ещё раз. / Settle again."""

    def post(self, request: Request, key: int) -> Response:
        """Put the letter's delivery back into the inbox."""
        selection.read(request.data, {}, needed=())
        row = self.find_to_change(key)
        deadletters.requeue(deadletters.Filter(ids=(row.pk,)))
        return Response(self.shown(row), status=202)


class DropOne(LetterView):
    """Закрыть с причиной. / Close for a reason."""

    def post(self, request: Request, key: int) -> Response:
        """Close the letter unsettled."""
        body = selection.read(request.data, selection.REASON, needed=("reason",))
        row = self.find_to_change(key)
        chosen = deadletters.Filter(ids=(row.pk,))
        deadletters.drop(chosen, body["reason"], by=self.principal.name)
        return Response(self.shown(self.find(key)))
