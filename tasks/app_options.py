"""The options of ``manage.py source`` for apps and the sources of their merchants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import fail, find_source
from accounts.models import Source
from ingest import endpoints
from integrations.contract import Provider

from . import routing
from .children import AppInvalid, check_app, check_settings


def add_app_options(parser: CommandParser) -> None:
    """Add the options with which an app, or a merchant of one, is connected."""
    parser.add_argument(
        "--app", action="store_true", help="один адрес на многих продавцов / one for many merchants"
    )
    parser.add_argument(
        "--parent", type=int, metavar="ID", help="приложение, чей это продавец / the app it is of"
    )
    parser.add_argument(
        "--merchant", default="", metavar="КОД", help="код продавца у провайдера / provider's id"
    )


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Whether an app is made, or a merchant of one connected."""

    app: bool
    parent: int | None
    merchant: str

    @classmethod
    def of(cls, options: dict[str, Any], secret: str | None) -> "AppOptions":
        """Return what was asked for. Raises CommandError where it cannot go together."""
        asked = cls(options["app"], options["parent"], options["merchant"])
        if (asked.parent is None) != (not asked.merchant):
            raise fail("--parent и --merchant: вместе", "--parent and --merchant: both or neither")
        if asked.parent is not None and (asked.app or secret is not None):
            raise fail(
                "--parent: адрес и секрет у приложения, без --app и --secret",
                "--parent: address and secret are the app's, without --app and --secret",
            )
        return asked

    def columns(self, provider: Provider, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the source to be made, beside those given. Raises AppInvalid."""
        check_settings(provider, given, is_app=self.app)
        if not self.app:
            return {}
        check_app(provider)
        return {"is_app": True}

    def found(self) -> Source:
        """Return the app; needs the scope of its account. Raises CommandError."""
        return find_source(self.parent or 0, option="--parent")


def invitation(source: Source, provider: Provider | None, login: str) -> dict[str, Any]:
    """Return a login and the password that lets a merchant link himself to a source.

    Raises AppInvalid.
    """
    held = endpoints.secrets_of(source)
    if provider is None or provider.invite is None or not held:
        raise AppInvalid(
            f"источник {source.pk}: продавцы не входят по логину и паролю / "
            f"source {source.pk}: merchants do not log in there"
        )
    try:
        password = provider.invite(login, held[0])
    except ValueError as error:
        raise AppInvalid(
            "--login: до 64 знаков из a-z, 0-9, точки, дефиса, подчёркивания и @ / "
            "--login: at most 64 of a-z, 0-9, dot, hyphen, underscore and @"
        ) from error
    return {"id": source.pk, "login": login, "password": password}


def waiting_of(source: Source) -> list[dict[str, Any]]:
    """Return the merchants of an app who wait to be connected; none for other sources."""
    if not source.is_app:
        return []
    return [
        {"merchant": merchant, "deliveries": count, "first": str(first), "last": str(last)}
        for merchant, first, last, count in routing.unrouted(source.pk)
    ]
