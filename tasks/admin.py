"""How hearing became knowing: events, attempts, dead letters, pending reads."""

from django.contrib import admin

from accounts.adminutil import OneAccount, Shown

from .models import Attempt, DeadLetter, Event, Fetch


@admin.register(Event)
class EventAdmin(Shown):
    list_display = ("id", "type", "key", "source", "occurred_at", "created_at")
    list_select_related = ("source",)
    search_fields = ("id__exact",)
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


@admin.register(DeadLetter)
class DeadLetterAdmin(Shown):
    list_display = (
        "id",
        "type",
        "path",
        "reason",
        "source",
        "delivery_id",
        "created_at",
        "closed_at",
    )
    list_filter = (OneAccount, ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("source",)
    search_fields = ("delivery_id__exact",)
    ordering = ("-id",)


@admin.register(Fetch)
class FetchAdmin(Shown):
    list_display = ("id", "kind", "external_id", "source", "due_at", "attempts", "last_error")
    list_select_related = ("source",)
    ordering = ("-id",)
