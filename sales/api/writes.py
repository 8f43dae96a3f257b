"""Changes by hand: create, edit, delete, restore, and letting the provider speak again.

Each is a delivery of the source ``manual``, settled in the request's own transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models.functions import Now
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts import idempotency
from accounts.errors import ApiError

from .. import hand, selectors, totals
from ..drafts import CLEAR
from ..models.base import Entity
from ..recording import locks
from ..recording.arrays import Cursor
from ..writing import Exists, Rejected, writer
from . import edits
from .items import overrides
from .resources import CREATED
from .settings import SETTINGS
from .views import ListView, ResourceView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def etag(row: Entity) -> str:
    """Return what changes with every change of a row."""
    return f'"{(row.updated_at - _EPOCH) // timedelta(microseconds=1):x}"'


class Writing(ResourceView):
    """What all changes share: the row is locked before anything is decided."""

    def body(self, request: Request) -> dict[str, Any]:
        """Return the body as one object. Raises ApiError."""
        raw = request.data
        try:
            return writer().read(raw if isinstance(raw, bytes) else b"")
        except Rejected as error:
            raise edits.refused(error) from error

    def lock(self, key: UUID, *, days: bool = False) -> Any:
        """Return a row under its lock, shown or not. Raises ApiError.

        Settlers lock a source's days and the receipts around a row before it, and so does this;
        ``days`` asks to be alone.
        """
        rows: Any = self.resource.model._default_manager.filter(id=key)
        rows = selectors.owned(rows, self.principal.accounts)
        source = rows.values_list("source_id", flat=True).first()
        if source is None:
            raise ApiError("not_found")
        if days:
            totals.hold_days(source)
        else:
            locks.share_days(Cursor(), [source])
        locks.take_around(Cursor(), self.resource.kind, key)
        row = rows.select_for_update().get()
        if not self.principal.may_write(row.account_id):
            raise ApiError("read_only")
        if getattr(row, "owned", False):
            raise ApiError("part_of_sale", sale=row.sale_id)
        return row

    def lock_shown(self, request: Request, key: UUID, *, days: bool = False) -> Any:
        """Return a row that lists show, locked, and as the client last read it."""
        locked = self.lock(key, days=days)
        if locked.deleted or not getattr(locked, "visible", True):
            raise ApiError("not_found")
        wanted = request.headers.get("If-Match")
        if wanted and wanted != "*" and etag(locked) not in wanted.replace(" ", "").split(","):
            raise ApiError("changed_meanwhile")
        return locked

    def apply(self, row: Entity, fields: Mapping[str, Any]) -> None:
        """Lay fields over a locked row. Raises ApiError."""
        try:
            writer().edit(self.resource.kind, row, fields)
        except Rejected as error:
            raise edits.refused(error) from error

    def shown(self, key: UUID, status: int = 200, **headers: str) -> Response:
        """Answer with the record as it now is."""
        row = self.find(key)
        return Response(self.describe(row), status=status, headers={"ETag": etag(row), **headers})

    def address(self, key: UUID) -> str:
        """Return the address of a record."""
        return reverse(f"{self.resource.name}-detail", [key], request=self.request)


class Collection(Writing, ListView):
    """Список; POST создаёт запись по стандартной схеме. / The list; POST creates."""

    def post(self, request: Request) -> Response:
        """Create a record; with Idempotency-Key a repetition gets the same one."""
        account = self.principal.only_account()
        data = self.body(request)
        self._refuse_fields(data)
        content = f"{self.resource.kind}\n".encode() + cast("bytes", request.data)
        return idempotency.once(
            account,
            request.headers.get("Idempotency-Key"),
            content,
            first=lambda: self._create(account, data),
            again=lambda key: self.shown(key, Location=self.address(key)),
        )

    def _create(self, account: int, data: dict[str, Any]) -> tuple[UUID, Response]:
        try:
            key = writer().create(self.resource.kind, account, data)
        except Rejected as error:
            raise edits.refused(error) from error
        except Exists as error:
            raise ApiError("exists", path=self.address(error.key)) from error
        return key, self.shown(key, 201, Location=self.address(key))

    def _refuse_fields(self, data: Mapping[str, Any]) -> None:
        known = CREATED[self.resource.kind]
        for name in sorted(data.keys() - known):
            if name in edits.PARTS:
                raise edits.derived(name)
            raise edits.unknown(name, sorted(known))


class Record(Writing):
    """Одна запись; PATCH правит поля, DELETE удаляет. / One record; PATCH edits, DELETE deletes."""

    def get(self, request: Request, key: UUID) -> Response:
        """Retrieve one record, with its ETag."""
        return self.shown(key)

    def patch(self, request: Request, key: UUID) -> Response:
        """Set the fields whose value differs; unnamed fields stay."""
        body = self.body(request)
        settings = SETTINGS.get(self.resource.kind, {})
        row = self.lock_shown(request, key, days=not settings.keys().isdisjoint(body))
        item = self.describe(self.find(key))
        change = edits.change(self.resource.kind, row, item, body)
        if change.fields:
            self.apply(row, change.fields)
        if change.settings:
            _set_up(row, change.settings)
        return self.shown(key)

    #: A whole record sent back is the same: what equals it is no change.
    put = patch

    def delete(self, request: Request, key: UUID) -> Response:
        """Bury the record by hand: the provider's updates do not revive it."""
        self.apply(self.lock_shown(request, key), {hand.DELETED: True})
        return Response(status=204)


def _set_up(row: Any, settings: Mapping[str, Any]) -> None:
    type(row).objects.filter(pk=row.pk).update(**settings, updated_at=Now())
    totals.redate_location(row.pk)


class Restore(Writing):
    """Вернуть удалённое. / Bring back what was deleted."""

    def post(self, request: Request, key: UUID) -> Response:
        """Undo a deletion, the provider's too; what is not deleted stays as it is."""
        row = self.lock(key)
        if row.deleted:
            self.apply(row, {hand.DELETED: False})
        return self.shown(key)


class Override(Writing):
    """Правка одного поля. / What a person set in one field."""

    def delete(self, request: Request, key: UUID, field: str) -> Response:
        """Let the provider's value through again."""
        row = self.lock_shown(request, key)
        if field not in overrides(row):
            raise ApiError("nothing_to_clear", field=field[:100])
        self.apply(row, {field: CLEAR})
        return self.shown(key)
