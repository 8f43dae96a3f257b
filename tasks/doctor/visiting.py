"""Looking at the rejected deliveries of a source, and taking in what is genuine after all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Source, SourceState
from ingest import endpoints
from ingest.addresses import heard_networks, is_within
from ingest.handshakes import HANDSHAKE
from ingest.headers import DENIED
from ingest.models import Delivery as Staged
from ingest.models import Inbox, Rejection
from ingest.quarantine import Came
from ingest.redaction import cut_all
from ingest.staging import Row, stage
from integrations.contract import Delivery, Provider, SignatureInvalid
from integrations.registry import PROVIDERS
from tasks.models import Fetch
from tasks.source_secrets import needs_secret
from tasks.source_settings import ALLOW_IPS

from .misses import Case, Miss, Named, diagnose


@dataclass(frozen=True, slots=True)
class Found:
    """One rejected delivery and what was wrong with it."""

    id: int
    at: datetime
    reason: str
    miss: Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a person asks first about a source."""

    state: str
    last_delivery: datetime | None
    last_rejection: datetime | None
    rejected: int
    unsettled: int
    pending_reads: int
    api_secret_missing: bool


def health_of(source: Source) -> Health:
    """Return the health of a source. Runs in a scope of its account."""
    provider = PROVIDERS.get(source.provider)
    rejected = _refused(source)
    newest = Staged.objects.filter(source=source).order_by("-id")
    api = provider.api if provider else None
    return Health(
        state=source.state,
        last_delivery=newest.values_list("received_at", flat=True).first(),
        last_rejection=rejected.values_list("at", flat=True).first(),
        rejected=rejected.count(),
        unsettled=Inbox.objects.filter(source=source).count(),
        pending_reads=Fetch.objects.filter(source=source).count(),
        api_secret_missing=bool(
            api and api.is_needed and api.needs_secret and not endpoints.api_secret_of(source)
        ),
    )


def findings(source: Source) -> Iterator[Found]:
    """Go over what was wrong, the newest first. Runs in a scope of the source's account."""
    visit = _Visit(source)
    for rejection in _refused(source):
        yield Found(rejection.pk, rejection.at, rejection.reason, visit.examine(rejection))


def _refused(source: Source) -> QuerySet[Rejection]:
    """Return what was refused; a question with a code for a person was not."""
    return Rejection.objects.filter(source=source).exclude(reason=HANDSHAKE)


def accept(source: Source) -> list[UUID]:
    """Stage the rejected deliveries that the present settings prove, each exactly once.

    Verified as of their receipt, so that a captured request does not become fresh. Each is taken
    out of quarantine in the transaction that stages it. Returns the ids of the deliveries.
    """
    visit = _Visit(source)
    numbers = _refused(source).order_by("id").values_list("id", flat=True)
    return [made for number in list(numbers) if (made := _accept_one(visit, number))]


def _accept_one(visit: "_Visit", number: int) -> UUID | None:
    source = visit.source
    with transaction.atomic():
        rejection = Rejection.objects.filter(pk=number).first()
        if rejection is None or not visit.is_genuine(rejection):
            return None
        # Whoever deletes it stages it: a second doctor finds nothing to delete.
        taken, _ = Rejection.objects.filter(pk=number).delete()
        if not taken:
            return None
        row = visit.row(rejection)
        held = {source.pk} if source.state == SourceState.PAUSED else set()
        with connection.cursor() as cursor:
            (made,) = stage(cursor, [row], held=held)
        return made


class _Visit:
    """One look at a source: its secrets and addresses, opened once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.provider: Provider = PROVIDERS[source.provider].of(source.settings)
        self._secrets = tuple(endpoints.secrets_of(source))
        self._ended = tuple(endpoints.ended_secrets_of(source))
        self._others = tuple(_others(source))
        self._tokens = endpoints.tokens_of(source)

    def examine(self, rejection: Rejection) -> Miss:
        """Return what was wrong with a rejected delivery."""
        if not self._is_heard(rejection):
            return Miss("heard", {"address": rejection.address})
        if not self._secrets and needs_secret(self.provider):
            return Miss("secretless", {})
        if self._is_proof_kept_nowhere():
            return Miss("token", {"detail": rejection.detail})
        came = endpoints.unsealed(rejection.sealed)
        if rejection.size and not came.body:
            return Miss("long", {"size": rejection.size})
        return diagnose(self._case(rejection, came))

    def is_genuine(self, rejection: Rejection) -> bool:
        """Say whether the present settings prove a delivery as of its receipt."""
        came = endpoints.unsealed(rejection.sealed)
        if (rejection.size and not came.body) or not self._is_heard(rejection):
            return False
        case = self._case(rejection, came)
        try:
            case.scheme.verify(case.delivery, case.secrets, case.at)
        except SignatureInvalid:
            return False
        return True

    def row(self, rejection: Rejection) -> Row:
        """Return a delivery as the receiver would have staged it."""
        came = endpoints.unsealed(rejection.sealed)
        content_type = came.headers.get("content-type", "")
        query, body, paths = cut_all(self.provider, came.query, came.body, content_type)
        return Row(
            rejection.account_id,
            rejection.source_id,
            "push",
            rejection.method,
            rejection.path,
            query,
            content_type,
            came.header_block,
            body,
            bytes(rejection.sha256),
            paths,
            *endpoints.sealed_of(self.provider, self._case(rejection, came).delivery),
        )

    def _is_proof_kept_nowhere(self) -> bool:
        """Say whether the proof came in a header that is never stored."""
        scheme = self.provider.scheme
        holds_secret = bool(scheme.secret_headers) and not scheme.covers
        return holds_secret or not DENIED.isdisjoint(scheme.headers)

    def _is_heard(self, rejection: Rejection) -> bool:
        heard = heard_networks(self.source.settings.get(ALLOW_IPS))
        return heard is None or is_within(rejection.address, heard)

    def _case(self, rejection: Rejection, came: Came) -> Case:
        query = came.query.decode("latin-1")
        rest = f"{rejection.path}?{query}" if query else rejection.path
        urls = [f"{settings.PUBLIC_URL}/hooks/{token}{rest}" for token in self._tokens]
        url = self.source.public_url or next(iter(urls), "")
        return Case(
            scheme=self.provider.scheme,
            delivery=Delivery(
                rejection.method, rejection.path, query, came.headers, came.body, url
            ),
            secrets=self._secrets,
            at=rejection.at.timestamp(),
            ended=self._ended,
            others=self._others,
            hosts=tuple(_hosts(came.headers, self.source)),
            urls=tuple(urls),
        )


def _hosts(headers: Mapping[str, str], source: Source) -> Iterator[str]:
    """Go over the hosts that a sender may have been told."""
    if host := headers.get("host", ""):
        yield host
    for url in (settings.PUBLIC_URL, source.public_url):
        if netloc := urlsplit(url).netloc:
            yield netloc


def _others(source: Source) -> Iterator[Named]:
    """Go over the secrets of the account's other sources, those of the same provider first."""
    others = Source.objects.filter(account_id=source.account_id).exclude(pk=source.pk)
    for other in sorted(others, key=lambda one: (one.provider != source.provider, one.pk)):
        secrets: Sequence[Any] = endpoints.secrets_of(other)
        if secrets:
            yield Named(f"{other.pk} ({other.title})", tuple(secrets))
