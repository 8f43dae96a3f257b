"""Sources, and how hearing became knowing: events, attempts, dead letters, pending reads."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.adminutil import OneAccount, Shown, seats_of
from accounts.models import Source
from integrations.registry import of_source

from . import deadletters, letters
from .deadletters import Filter, Group
from .models import (
    Attempt,
    Backfill,
    DeadLetter,
    EarlierReceipt,
    Event,
    Fetch,
    Replay,
    Routed,
    Verification,
)
from .source_shown import code_of

_KINDS = {"own": "свой адрес", "app": "приложение", "child": "продавец приложения"}
#: Open letters that are counted for the groups beside a list.
_COUNTED = 100_000
#: Letters that one click changes at most.
_MOST = 5000
_SHOWN_GROUPS = 50
_REASON_LIMIT = 300


@admin.register(Source)
class SourceAdmin(Shown):
    """Connections; they are made and changed by ``manage.py source``."""

    list_display = (
        *("id", "title", "provider", "sort", "state", "proof", "currency", "is_test", "created_at"),
    )
    list_filter = (OneAccount, "provider", "state")
    search_fields = ("id__exact", "title__istartswith")
    readonly_fields = ("proof", "sort", "code")

    @admin.display(description="вид")
    def sort(self, row: Source) -> str:
        """Say whether it is an app of many merchants, one of those, or a source by itself."""
        return _KINDS[row.kind]

    @admin.display(description="подпись")
    def proof(self, row: Source) -> str:
        """Say whether deliveries are signed; where they are not, whoever can send is believed."""
        provider = of_source(row.provider, row.settings)
        return "есть" if provider is not None and provider.signed else "без подписи"

    @admin.display(description="код для кабинета провайдера")
    def code(self, row: Source) -> str:
        """Return the last code that the provider sent to be copied, and when."""
        found = code_of(row)
        return "—" if found is None else f"{found['code']} ({found['at']})"


@admin.register(Event)
class EventAdmin(Shown):
    list_display = ("id", "type", "key", "source", "occurred_at", "created_at")
    list_select_related = ("source",)
    search_fields = ("id__exact",)
    ordering = ("-id",)
    hidden = ("sha256",)


@admin.register(EarlierReceipt)
class EarlierReceiptAdmin(Shown):
    list_display = ("id", "key", "source", "delivery_id")
    list_select_related = ("source",)
    search_fields = ("delivery_id__exact",)
    ordering = ("-id",)
    hidden = ("sha256",)


@admin.register(Attempt)
class AttemptAdmin(Shown):
    list_display = (
        *("id", "outcome", "type", "source", "delivery_id", "number", "error", "created_at"),
    )
    list_filter = (OneAccount, "outcome")
    list_select_related = ("source",)
    search_fields = ("delivery_id__exact",)
    ordering = ("-id",)


class SameFault(admin.SimpleListFilter):
    """The groups of what is open in the account, the largest first."""

    title = "группа"
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the groups of the chosen account."""
        found, _ = deadletters.groups(Filter(accounts=self._accounts(request)), most=_COUNTED)
        return [(self._key(group), self._title(group)) for group in found[:_SHOWN_GROUPS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the letters of the group; a key that nobody made keeps none."""
        try:
            provider, kind, reason, path = json.loads(self.value() or "null") or [None] * 4
        except (ValueError, TypeError):
            return queryset.none()
        if provider is None:
            return queryset
        same = queryset.filter(closed_at=None, source__provider=provider, type=kind, reason=reason)
        return same.filter(**deadletters.of_path(path))

    def _accounts(self, request: HttpRequest) -> list[int]:
        mine = seats_of(request).accounts
        asked = request.GET.get("account", "")
        return [key for key in mine if str(key) == asked] or sorted(mine)[:1]

    @staticmethod
    def _key(group: Group) -> str:
        return json.dumps([group.provider, group.type, group.reason, group.path])

    @staticmethod
    def _title(group: Group) -> str:
        return f"{group.letters} · {group.provider} · {group.type} · {group.path}: {group.reason}"


class WithReason(ActionForm):
    """The choice of an action, and why."""

    reason = forms.CharField(label="Причина", required=False, max_length=_REASON_LIMIT)


@admin.register(DeadLetter)
class DeadLetterAdmin(Shown):
    """What waits for a person: settle it again, or close it for a reason."""

    list_display = (
        *("id", "type", "path", "reason", "source", "delivery_id", "created_at", "condition"),
    )
    list_filter = (OneAccount, SameFault, ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("source",)
    search_fields = ("delivery_id__exact",)
    ordering = ("-id",)
    readonly_fields = ("runs", "place")
    confidential = ("place",)
    action_form = WithReason
    actions = ("requeue", "drop")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may settle again and drop: by right, and by role."""
        allowed = request.user.has_perm("tasks.change_deadletter")
        return allowed and seats_of(request).is_writer

    @admin.display(description="состояние")
    def condition(self, row: DeadLetter) -> str:
        """Return what became of the letter."""
        return row.closed_by or "открыто"

    @admin.display(description="попытки")
    def runs(self, row: DeadLetter) -> SafeString:
        """Return the attempts at the event as text."""
        return format_html('<pre style="white-space:pre-wrap">{}</pre>', letters.run_lines(row))

    @admin.display(description="тело у места ошибки")
    def place(self, row: DeadLetter) -> SafeString:
        """Return the marked lines of the body, escaped and cut."""
        text = "\n".join(letters.body_lines(row))
        return format_html('<pre style="white-space:pre-wrap">{}</pre>', text)

    @admin.action(description="Разобрать ещё раз", permissions=["act"])
    def requeue(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Put the deliveries of the chosen letters back into the inbox."""
        chosen, more = self._chosen(request, rows)
        done = deadletters.requeue(chosen, limit=_MOST) if chosen.ids else None
        count = done.letters if done else 0
        self._tell(request, f"Отправлено на разбор: {count}", more=more)

    @admin.action(description="Закрыть с причиной", permissions=["act"])
    def drop(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Close the chosen letters for the reason beside the action."""
        reason = request.POST.get("reason", "").strip()[:_REASON_LIMIT]
        if not reason:
            self.message_user(request, "Причина: напишите, почему закрываете", messages.ERROR)
            return
        chosen, more = self._chosen(request, rows)
        name = request.user.get_username()
        done = deadletters.drop(chosen, reason, by=name, limit=_MOST) if chosen.ids else None
        self._tell(request, f"Закрыто: {done.letters if done else 0}", more=more)

    def _chosen(self, request: HttpRequest, rows: QuerySet[Any]) -> tuple[Filter, bool]:
        """Return the open ones of the chosen letters, and whether there are more of them."""
        seats = seats_of(request)
        mine = [key for key in seats.accounts if seats.may_write(key)]
        found = rows.filter(closed_at=None, account_id__in=mine).order_by("-id")
        ids = list(found.values_list("pk", flat=True)[: _MOST + 1])
        return Filter(ids=ids[:_MOST], accounts=mine), len(ids) > _MOST

    def _tell(self, request: HttpRequest, text: str, *, more: bool) -> None:
        rest = "; это не все, повторите или `manage.py deadletters`" if more else ""
        self.message_user(request, text + rest, messages.WARNING if more else messages.SUCCESS)


@admin.register(Fetch)
class FetchAdmin(Shown):
    list_display = ("id", "kind", "external_id", "source", "due_at", "attempts", "last_error")
    list_select_related = ("source",)
    ordering = ("-id",)


@admin.register(Backfill)
class BackfillAdmin(Shown):
    list_display = ("id", "kind", "source", "since", "until", "state", "pages", "last_error")
    list_select_related = ("source",)
    ordering = ("-id",)


@admin.register(Routed)
class RoutedAdmin(Shown):
    """What apps' deliveries held of each merchant; without a delivery of his own it waits."""

    list_display = ("id", "merchant", "source", "delivery_id", "child_id", "routed_id")
    list_select_related = ("source",)
    ordering = ("-id",)


class OfTheHouse(Shown):
    """Rows of no account: for whoever runs the server."""

    list_filter = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers see them: they tell of all accounts at once."""
        return bool(request.user.is_active and request.user.is_superuser)


@admin.register(Replay)
class ReplayAdmin(OfTheHouse):
    list_display = ("id", "state", "done", "total", "cause", "created_at", "changed_at")
    ordering = ("-id",)


@admin.register(Verification)
class VerificationAdmin(OfTheHouse):
    """What the last passes of ``verify`` found, the broken first."""

    list_display = (
        *("line", "part", "last_failed", "failed", "last_examined", "finished_at", "started_at"),
    )
    ordering = ("-last_failed", "-failed", "line", "part")
