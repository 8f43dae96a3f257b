"""What each provider's sender expects of an answer, held by the real receiver over real HTTP.

Its own samples, signed, are answered with what it accepts, whatever stands behind the address; and
where PostgreSQL is slow it is answered while it still waits.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from accounts.models import Source
from accounts.rls import scoped
from ingest import endpoints
from ingest.handshakes import is_probe
from ingest.limits import Limits
from ingest.patience import patience_of, patience_of_all
from integrations import samples
from integrations.catalogue import heard
from integrations.contract import Provider
from integrations.registry import PROVIDERS
from integrations.samples import TEST_SECRET, Sample
from integrations.senders import Sender
from tests.hearing import PUBLIC_URL, Address, Running, make_source, owner, receiver, staged
from tests.settling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

HEARD = [samples.configured(one) for one in heard(PROVIDERS.values())]
every_provider = pytest.mark.parametrize("provider", HEARD, ids=lambda provider: provider.slug)
APPLICATION = "backend_gjango.asgi:application"
#: What follows an address that a person pasted: nothing, a slash, a path of the sender's own.
TAILS = ("", "/", "/api/v2/more")
#: Statements may wait for so long where a test holds a lock: nobody else's time may end first.
LONG = 40.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    """The product's own receiver, whose own bounds are far behind those of every sender."""
    folder: Path = tmp_path_factory.mktemp("receiver")
    names = ("ANSWER", "DATABASE", "STATEMENT", "LOCK", "WAIT")
    bounds = {"PUBLIC_URL": PUBLIC_URL} | {f"GJANGO_{one}_SECONDS": str(LONG) for one in names}
    with receiver(folder, application=APPLICATION, workers=1, **bounds) as running:
        yield running


def connected(provider: Provider) -> Address:
    """Make a source of a provider whose secret signs its samples."""
    settings = samples.settings(provider.slug)
    address = make_source(provider.slug, slug=provider.slug, settings=settings)
    with scoped([address.account_id]):
        endpoints.add_secret(Source.objects.get(pk=address.source_id), TEST_SECRET.value)
    return address


def send(
    server: Running, address: Address, provider: Provider, sample: Sample, tail: str | None = None
) -> httpx.Response:
    """Send a sample as its provider would, signed now, with its own path or with this tail."""
    path = sample.path if tail is None else tail
    url = PUBLIC_URL + address.path + path + (f"?{sample.query}" if sample.query else "")
    signed = samples.signed(sample, provider, url=url, now=time.time())
    headers = {key: text for key, text in signed.headers.items() if key != "content-length"}
    headers.pop("host", None)
    # As bytes: a recorded header may hold any of them.
    raw = [(key.encode(), text.encode("latin-1")) for key, text in headers.items()]
    target = address.path + path + (f"?{signed.query}" if signed.query else "")
    return server.http.request(signed.method, target, content=signed.body, headers=raw)


def is_taken(provider: Provider, answer: httpx.Response) -> bool:
    """Say whether a sender is content: its status, no redirect, the kind of body it expects."""
    own = provider.answer
    expected = "application/json; charset=utf-8" if own is None else own.content_type
    return (
        answer.status_code in provider.sender.accepts
        and not answer.is_redirect
        and answer.headers["content-type"] == expected
        and int(answer.headers["content-length"]) == len(answer.content)
    )


@every_provider
def test_every_sample_is_answered_as_its_sender_accepts(
    provider: Provider, server: Running
) -> None:
    address, recorded = connected(provider), samples.load(provider.slug)

    answers = {name: send(server, address, provider, one) for name, one in recorded.items()}

    refused = {
        name: said.status
        for name, one in recorded.items()
        if (said := samples.expected(provider, samples.signed(one, provider), TEST_SECRET, {}))
        and said.status != 200
    }
    assert {name: answers.pop(name).status_code for name in refused} == refused
    assert [name for name, one in answers.items() if not is_taken(provider, one)] == []
    asks = [one for one in recorded.values() if samples.is_unsigned_question(provider, one)]
    assert len(staged(address)) == len(recorded) - len(asks)


@every_provider
def test_every_method_and_whatever_follows_the_address_is_taken(
    provider: Provider, server: Running
) -> None:
    address, sample = connected(provider), next(iter(samples.load(provider.slug).values()))
    sent = [(method, tail) for method in sorted(provider.methods) for tail in TAILS]

    answers = [
        send(server, address, provider, replace(sample, method=method), tail)
        for method, tail in sent
    ]
    refused = send(server, address, provider, replace(sample, method="PATCH"))

    assert all(is_taken(provider, one) for one in answers)
    brought = [(method, tail) for method, tail in sent if not is_probe(provider, method)]
    assert [(one.method, one.path) for one in staged(address)] == brought
    assert refused.status_code == 405
    assert refused.headers["allow"] == ", ".join(sorted(provider.methods))


def test_F18_a_sender_is_answered_while_it_waits_and_its_row_is_kept_for_when_the_lock_goes(
    server: Running,
) -> None:
    """One bound for all will not do: MoySklad waits for 1.5 s, amoCRM for 2, Square for 10.

    The lock is held until those who wait least are answered, so that a slow machine only makes the
    test slower; with one bound they would be answered after forty seconds.
    """
    impatient = [PROVIDERS[slug] for slug in ("moysklad", "amocrm")]
    patient = PROVIDERS["evotor"]  # nobody knows for how long it waits
    addresses = {one.slug: connected(one) for one in (*impatient, patient)}
    first = {slug: next(iter(samples.load(slug).values())) for slug in addresses}

    def sent(pool: ThreadPoolExecutor, provider: Provider) -> Future[httpx.Response]:
        slug = provider.slug
        return pool.submit(send, server, addresses[slug], provider, first[slug])

    with ThreadPoolExecutor() as pool, owner() as own:
        own.execute("BEGIN")
        own.execute("LOCK TABLE ingest_inbox IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        waiting = sent(pool, patient)
        answers = [one.result() for one in [sent(pool, one) for one in impatient]]
        took = time.monotonic() - begun
        held = waiting.done()
        own.execute("ROLLBACK")
        later = waiting.result()

    assert [one.status_code for one in answers] == [503, 503]
    assert [one.json()["code"] for one in answers] == ["unavailable"] * 2
    assert took < LONG / 3
    assert (held, later.status_code) == (False, 200)
    # Each row has a commit of its own time, and nobody waits for those of the first two.
    assert eventually(lambda: [len(staged(one)) for one in addresses.values()] == [1, 1, 1])


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (None, None),  # nobody knows
        (1.5, 1.2),  # less 0.3 s on the way
        (2.0, 1.7),
        (4.8, None),  # ours is sooner: 1.5 s for the lookup and 3 s for the commit
        (0.4, 0.2),  # half, where the way would take nearly all of it
    ],
)
def test_what_is_left_of_the_time_that_a_sender_waits(
    within: float | None, expected: float | None
) -> None:
    provider = replace(PROVIDERS["square"], sender=Sender(within=within))

    assert patience_of(provider, Limits()) == pytest.approx(expected)


def test_every_sender_can_be_answered_while_it_waits_for_whatever_reason() -> None:
    """Lookup, commit and the way there and back fit into what each of them allows."""
    limits = Limits()
    known = {one.slug: one.sender.within for one in HEARD if one.sender.within is not None}
    own = limits.answer_seconds * 1.5

    late = [
        slug
        for slug, within in known.items()
        if (patience_of(PROVIDERS[slug], limits) or own) + limits.travel_seconds > within
    ]

    assert late == []
    assert len(known) >= 5
    assert patience_of_all(HEARD, limits) == min(known.values()) - limits.travel_seconds
