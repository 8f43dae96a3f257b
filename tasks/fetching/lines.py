"""From sources to lines: what is needed to ask, the budgets, and what a person has yet to set."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.conf import settings as django

from accounts.models import Source
from ingest import endpoints
from ingest.crypto import VaultError
from integrations.asking import Api

from .. import loading
from ..loading import Settings
from ..understanding import Providers
from .asking import Line
from .failures import Cause, Failed
from .gate import Gate
from .http import Client
from .tokens import Token

#: What two sources have in common that are one account: provider, host, digest of the secret.
_Key = tuple[str, str, bytes]


@dataclass(slots=True)
class Lines:
    """Makes lines, and keeps the gate and the token of each account at a provider.

    Two sources with one secret are one account there, and share its budget.
    """

    providers: Providers
    client: Client
    _accounts: dict[_Key, tuple[Gate, Token]] = field(default_factory=dict)

    def of(self, sources: Iterable[int]) -> dict[int, Line | Failed]:
        """Return each source's line, or why it has none. The scope must hold their accounts."""
        wanted = list(sources)
        rows = Source.objects.select_related("account").in_bulk(wanted)
        found = loading.settings(wanted)
        return {one: self._line(rows[one], found[one]) for one in wanted if one in rows}

    def _line(self, row: Source, source: Settings) -> Line | Failed:
        api = source.provider_in(self.providers).api
        if api is None:
            return Failed(Cause.SETTING, f"{source.provider} ничего не отдаёт / gives nothing out")
        try:
            _require(api, source)
            secret = _secret(api, row)
            # A recorded day takes the secret itself.
            if row.account.is_demo or (api.login and api.login.is_token(secret)):
                api = replace(api, login=None)
            host = api.host(source.settings)
            client = self._client(row, host)
        except Failed as failed:
            return failed
        except (ValueError, KeyError, TypeError, AttributeError):
            names = ", ".join(api.requires)
            return Failed(
                Cause.SETTING,
                "настройки не дают узла, проверьте / the settings give no host, see: "
                f"manage.py source set {row.pk} --setting ({names})",
            )
        key = (source.provider, host, hashlib.sha256(secret.encode()).digest())
        gate, token = self._accounts.setdefault(key, (Gate(api.budget), Token()))
        return Line(
            row.pk, source.provider, api, host, secret, source.settings, gate, token, client
        )  # fmt: skip

    def _client(self, row: Source, host: str) -> Client:
        """Return what speaks to a source's provider: with the demonstration's sources only the
        played ones do, never the real. Raises Failed where none are played."""
        if not row.account.is_demo:
            return self.client
        if django.PLAYED_PORT is None:
            raise Failed(
                Cause.SETTING,
                "демонстрацию спрашивает только make run / only make run asks the demonstration",
            )
        played = f"http://127.0.0.1:{django.PLAYED_PORT}/{row.provider}"
        return replace(self.client, local={host: played})


def _require(api: Api, source: Settings) -> None:
    for name, what in api.requires.items():
        if source.settings.get(name) in (None, ""):
            raise Failed(
                Cause.SETTING,
                f"не задано «{name}» ({what}) / {name} is not set: "
                f"manage.py source set {source.id} --setting {name}=…",
            )


def _secret(api: Api, row: Source) -> str:
    if not api.needs_secret:
        return ""
    try:
        held = endpoints.api_secret_of(row)
    except VaultError as error:
        raise Failed(Cause.SETTING, str(error)) from error
    if held is None:
        raise Failed(
            Cause.SETTING,
            f"нет доступа к API / no secret of the API: "
            f"manage.py source secret {row.pk} --kind api --secret -",
        )
    return held
