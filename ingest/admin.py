"""What was heard: addresses and secrets without their values, deliveries byte for byte."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.adminutil import OneAccount, Shown, preview

from .models import Brought, Delivery, Inbox, Rejection, SourceEndpoint, SourceSecret


@admin.register(SourceEndpoint)
class SourceEndpointAdmin(Shown):
    """Addresses of sources; ``manage.py source list`` shows them to whoever runs the server."""

    list_display = ("id", "source", "created_at", "valid_until")
    list_select_related = ("source",)
    hidden = ("token_hash", "token_encrypted")


@admin.register(SourceSecret)
class SourceSecretAdmin(Shown):
    list_display = ("id", "source", "kind", "created_at", "valid_from", "valid_until")
    list_select_related = ("source",)
    hidden = ("value_encrypted",)


@admin.register(Brought)
class BroughtAdmin(Shown):
    """Secrets that deliveries brought, without their values."""

    list_display = ("id", "received_at", "source", "merchant", "delivery_id")
    list_select_related = ("source",)
    hidden = ("value_encrypted", "sha256")


@admin.register(Delivery)
class DeliveryAdmin(Shown):
    """Staging: it only shows, and lists never read a body."""

    list_display = ("id", "received_at", "source", "origin", "method", "path", "content_type")
    list_filter = (OneAccount, "origin")
    list_select_related = ("source",)
    search_fields = ("id__exact",)
    ordering = ("-id",)
    hidden = ("query", "headers", "body", "sha256")
    readonly_fields = ("digest", "query_text", "headers_text", "body_text")
    confidential = ("query_text", "headers_text", "body_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave bodies where they are until one is looked at."""
        return super().get_queryset(request).defer("body", "headers", "query")

    @admin.display(description="sha256 полученного")
    def digest(self, row: Delivery) -> str:
        """Return the digest as hex."""
        return bytes(row.sha256).hex()

    @admin.display(description="запрос")
    def query_text(self, row: Delivery) -> SafeString:
        """Return the query as text."""
        return preview(row.query)

    @admin.display(description="заголовки")
    def headers_text(self, row: Delivery) -> SafeString:
        """Return the headers as text."""
        return preview(row.headers)

    @admin.display(description="тело")
    def body_text(self, row: Delivery) -> SafeString:
        """Return the body as text, or as hex."""
        return preview(row.body)


@admin.register(Inbox)
class InboxAdmin(Shown):
    list_display = ("delivery_id", "source", "attempts", "due_at", "last_error")
    list_select_related = ("source",)
    search_fields = ("delivery_id__exact",)
    ordering = ("-delivery_id",)


@admin.register(Rejection)
class RejectionAdmin(Shown):
    """What ``manage.py doctor`` looks into; what came stays sealed."""

    list_display = ("id", "at", "source", "reason", "detail", "address", "method", "size")
    list_filter = (OneAccount, "reason")
    list_select_related = ("source",)
    hidden = ("sealed", "sha256")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave what came where it is: nothing here shows it."""
        return super().get_queryset(request).defer("sealed")
