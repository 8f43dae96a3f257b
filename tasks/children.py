"""Apps and the sources of their merchants: one address and secret, many accounts.

All of these run in a transaction whose scope holds every account.
"""

from collections.abc import Mapping
from typing import Any

from accounts.models import Account, Source, SourceState
from integrations.contract import Provider

from . import replays, sql
from .models import Routed
from .selection import Filter
from .source_settings import OWN


class AppInvalid(ValueError):
    """A source cannot be an app, or not one of this app's merchants; the message says why."""


def check_app(provider: Provider) -> None:
    """Refuse to make an app of a provider whose deliveries are always of one merchant.

    Raises AppInvalid.
    """
    if provider.part is None:
        raise AppInvalid(
            f"--app: у {provider.title} один адрес служит одному продавцу; подключите без --app / "
            f"--app: an address of {provider.title} serves one merchant; connect it without --app"
        )


def check_settings(provider: Provider | None, columns: Mapping[str, Any], *, is_app: bool) -> None:
    """Refuse settings of apps for a source that is none. Raises AppInvalid."""
    given = {name for name, value in columns.get(OWN, {}).items() if value is not None}
    found = sorted(given & (provider.app_settings.keys() if provider else set()))
    if found and not is_app:
        raise AppInvalid(
            f"--setting {found[0]}: есть только у приложения (source add … --app) / "
            f"--setting {found[0]}: only an app has it (source add … --app)"
        )


def add_child(
    account: Account,
    provider: Provider,
    app: Source,
    *,
    merchant: str,
    columns: Mapping[str, Any] | None = None,
) -> Source:
    """Connect a merchant of an app; what waited for him is routed by a run of its own.

    Raises AppInvalid.
    """
    _check(provider, app, merchant)
    sql.rows("SELECT lock_app(%b::int8)", app.pk)
    defaults = {"currency": provider.default_currency or "RUB", "title": provider.title}
    taken = Source.objects.filter(parent=app, merchant=merchant).first()
    if taken is not None:
        raise AppInvalid(
            f"--merchant: {merchant} уже подключён, источник {taken.pk} / "
            f"--merchant: {merchant} is connected already, by source {taken.pk}"
        )
    source = Source.objects.create(
        account=account,
        provider=provider.slug,
        state=SourceState.ACTIVE,
        parent=app,
        merchant=merchant,
        **{**defaults, **_knowing(provider, merchant, columns or {})},
    )
    route_waiting(source)
    return source


def _knowing(provider: Provider, merchant: str, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns of a merchant's source, which knows of whom it is to ask."""
    if not provider.merchant_setting:
        return columns
    own = {provider.merchant_setting: merchant, **columns.get("settings", {})}
    return {**columns, "settings": own}


def route_waiting(child: Source) -> None:
    """Begin the run that routes what waited for a merchant, if this is one, the oldest first."""
    if child.parent_id is None:
        return
    waiting = Routed.objects.filter(
        source_id=child.parent_id, merchant=child.merchant, routed_id=None
    )
    if waiting.exists():
        chosen = Filter(source=child.parent_id, merchant=child.merchant)
        replays.start(chosen, cause=f"source {child.pk}")


def _check(provider: Provider, app: Source, merchant: str) -> None:
    if not app.is_app or app.provider != provider.slug:
        raise AppInvalid(
            f"--parent: источник {app.pk} не приложение {provider.title} / "
            f"--parent: source {app.pk} is no app of {provider.title}"
        )
    if not merchant or len(merchant) > 200 or not merchant.isprintable():
        raise AppInvalid(
            "--merchant: нужен код продавца у провайдера, до 200 знаков; ждущих покажет "
            f"manage.py source unrouted {app.pk} / --merchant: the provider's id of the merchant,"
            f" at most 200 characters; manage.py source unrouted {app.pk} shows who waits"
        )
