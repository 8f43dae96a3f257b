"""Accounts, people and tokens."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .adminutil import AnyInline, AnyUserAdmin, Light, OneAccount, Shown
from .models import Account, ApiToken, IdempotencyKey, Membership, User

admin.site.site_header = admin.site.site_title = "backend_gjango"
admin.site.index_title = "Управление"


@admin.register(User)
class PeopleAdmin(Light, AnyUserAdmin):
    """People; what one may see follows from memberships."""


class Members(AnyInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Account)
class AccountAdmin(Light):
    """An account and its members; the code and the zone are chosen once."""

    list_display = ("slug", "title", "timezone", "is_test", "created_at")
    search_fields = ("slug__exact", "title__istartswith")
    inlines = (Members,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what cannot be changed later: days were derived from the zone."""
        return ("slug", "timezone", "is_test", "created_at") if obj else ("created_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a business with a click."""
        return False


@admin.register(Membership)
class MembershipAdmin(Light):
    list_display = ("account", "user", "role")
    list_filter = (OneAccount, "role")
    list_select_related = ("account", "user")
    autocomplete_fields = ("user",)


@admin.register(ApiToken)
class ApiTokenAdmin(Shown):
    """Tokens by their first characters: the rest is known to nobody."""

    list_display = ("masked", "account", "role", "title", "created_at", "expires_at", "revoked_at")
    list_filter = (OneAccount, "role")
    list_select_related = ("account",)
    hidden = ("prefix", "hash")
    readonly_fields = ("masked",)

    @admin.display(description="токен")
    def masked(self, row: ApiToken) -> str:
        """Return what names a token without being one."""
        return f"{row.prefix}…"


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(Shown):
    list_display = ("id", "account", "object_id", "created_at")
    list_select_related = ("account",)
    hidden = ("sha256",)
