"""What all admin pages share: no full counts, one account at a time, rows that only show."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.auth.admin import UserAdmin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .models import Account, User
from .principal import Principal, of_user

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
    AnyAdmin = admin.ModelAdmin[Any]
    AnyInline = admin.TabularInline[Any, Any]
    AnyUserAdmin = UserAdmin[User]
else:  # Django's classes take no parameters at run time
    AnyPaginator, AnyAdmin, AnyInline = Paginator, admin.ModelAdmin, admin.TabularInline
    AnyUserAdmin = UserAdmin

#: A list shows at most so many rows; whoever needs others filters or searches.
MOST_ROWS = 1000
PREVIEW_LIMIT = 65536


def seats_of(request: HttpRequest) -> Principal:
    """Return whom the person of a page speaks for."""
    assert isinstance(request.user, User)  # noqa: S101
    return of_user(request.user)


class BoundedPaginator(AnyPaginator):
    """Pages over the first rows only: COUNT(*) of a large table takes longer than the page."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most MOST_ROWS."""
        rows: Any = self.object_list
        return len(rows.values_list("pk")[:MOST_ROWS]) if isinstance(rows, QuerySet) else len(rows)


class OneAccount(admin.SimpleListFilter):
    """The account of a list, the first one unless chosen: its indexes start with the account."""

    title = "аккаунт"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the accounts that the person may see."""
        known = Account.objects.filter(pk__in=seats_of(request).accounts).order_by("pk")
        return [(str(account.pk), account.title) for account in known]

    def value(self) -> str | None:
        """Return the chosen account, else the first."""
        known = [key for key, _ in self.lookup_choices]
        chosen = super().value()
        return chosen if chosen in known else next(iter(known), None)

    def has_output(self) -> bool:
        """Show the filter where there is a choice."""
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the account."""
        return queryset.filter(account_id=self.value())

    def choices(self, changelist: Any) -> Any:
        """Return the accounts, without the choice of all of them."""
        return (choice for number, choice in enumerate(super().choices(changelist)) if number)


class InOrder(ChangeList):
    """A list in the order that its index has: any other would sort the whole table."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the page's own order, whatever the address asks for."""
        self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class Light(AnyAdmin):
    """An admin that stays fast on a large table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200


class Shown(Light):
    """An admin that only shows: what it lists is written by deliveries, or by nobody."""

    list_filter: ClassVar[Any] = (OneAccount,)
    sortable_by: ClassVar[Any] = ()
    #: Columns that no page shows: secrets, and bytes that say nothing to a person.
    hidden: Sequence[str] = ()
    #: Fields of the page's own for those who may edit the row's account: data of customers.
    confidential: Sequence[str] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that nobody sorts."""
        return InOrder

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return all columns that may be shown, then the page's own."""
        columns = [field.name for field in self.opts.concrete_fields]
        names = [*(name for name in columns if name not in self.hidden), *self.readonly_fields]
        if obj is None or not self.confidential or seats_of(request).may_write(obj.account_id):
            return names
        return [name for name in names if name not in self.confidential]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Head a list with what is in it: Django's own words cannot be declined in Russian."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here."""
        return False


def table(
    heads: Sequence[str], rows: Iterable[Model], cells: Callable[[Any], Sequence[Any]]
) -> SafeString:
    """Return rows as an HTML table, every cell escaped."""
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        (
            (format_html_join("", "<td>{}</td>", (("—" if x is None else x,) for x in cells(row))),)
            for row in rows
        ),
    )
    head = format_html_join("", "<th>{}</th>", ((name,) for name in heads))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def preview(raw: bytes | memoryview) -> SafeString:
    """Return bytes as escaped text, as hex where they are no UTF-8; the first 64 KB of them."""
    data = bytes(raw)
    kept = data[:PREVIEW_LIMIT]
    try:
        # A character cut in half at the end of the preview is no reason for hex.
        text = kept.decode() if len(data) == len(kept) else kept.decode(errors="ignore")
        data.decode()
    except UnicodeDecodeError:
        text = kept[: PREVIEW_LIMIT // 4].hex(" ")
    rest = f"\n… ещё {len(data) - len(kept)} байт" if len(data) > len(kept) else ""
    return format_html('<pre style="white-space:pre-wrap">{}{}</pre>', text, rest)
