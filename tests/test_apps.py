"""An app's address serves many merchants, whatever system it is of: each gets his own, and what he
gets is understood as if he had an address of his own."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from accounts.commandline import every_account
from accounts.models import Account, Source
from accounts.rls import scoped
from ingest.models import Delivery
from ingest.staging import Row, stage
from integrations import samples
from integrations.cases import Unrecognised, Word, outcome
from integrations.registry import PROVIDERS
from integrations.samples import Sample
from tasks import replays
from tasks.children import add_child
from tasks.models import Replay
from tasks.pipeline import settle
from tasks.routing import unrouted
from tests.settling import make_due, outcomes_of

pytestmark = pytest.mark.django_db(transaction=True)

APPS = sorted(slug for slug, one in PROVIDERS.items() if one.part is not None)
#: Of Evotor the merchant is told by his token: test_evotor_app.py.
SAYING = [slug for slug in APPS if slug != "evotor"]


def test_the_providers_that_have_apps_are_those_that_are_promised() -> None:
    assert {"clover", "evotor", "hubspot", "shopify", "square"} <= {*APPS}


def telling(slug: str) -> tuple[Sample, str]:
    """Return a recorded delivery of one merchant that states something, and whose it is."""
    provider = samples.configured(PROVIDERS[slug])
    for _, sample in sorted(samples.load(slug).items()):
        if isinstance(outcome(provider, sample), Word | Unrecognised):
            continue
        merchants = {event.merchant for event in provider.split(samples.signed(sample, provider))}
        if len(merchants) == 1 and (merchant := merchants.pop()):
            return sample, merchant
    raise AssertionError(f"{slug}: no sample of a merchant")


def staged(source: Source, sample: Sample) -> list[Any]:
    delivery = samples.signed(sample, samples.configured(PROVIDERS[source.provider]))
    headers = "".join(f"{name}: {value}\r\n" for name, value in delivery.headers.items())
    row = Row(
        *(source.account_id, source.pk, "push", delivery.method, delivery.path),
        *(delivery.query.encode(), delivery.headers.get("content-type", "")),
        *(headers.encode("latin-1"), delivery.body, b"\0" * 32),
    )
    connection.ensure_connection()
    with connection.cursor() as cursor:
        return stage(cursor, [row])


def made(slug: str, account: str, **columns: Any) -> Source:
    owner = Account.objects.create(slug=account, title=account)
    with scoped([owner.pk]):
        return Source.objects.create(account=owner, provider=slug, title=account, **columns)


def settled(source: Source) -> Counter[str]:
    make_due()
    with scoped([source.account_id]):
        ids = list(Delivery.objects.filter(source=source).values_list("pk", flat=True))
    settle(ids)
    return Counter(outcomes_of(source))


@pytest.mark.parametrize("slug", SAYING)
def test_a_merchant_of_an_app_is_told_what_he_would_have_been_told_himself(slug: str) -> None:
    sample, merchant = telling(slug)
    alone, app = made(slug, "alone"), made(slug, "operator", is_app=True)
    staged(alone, sample)
    staged(app, sample)
    himself = settled(alone)

    settled(app)
    with scoped([app.account_id]):
        assert [name for name, *_ in unrouted(app.pk)] == [merchant]
    shop = Account.objects.create(slug="shop", title="shop")
    with every_account():
        child = add_child(shop, PROVIDERS[slug], app, merchant=merchant)
    for run in Replay.objects.filter(state=Replay.State.RUNNING).values_list("pk", flat=True):
        replays.step(run, providers=PROVIDERS)

    assert settled(child) == himself
    assert {*himself} <= {"recorded", "superseded", "fetching"}
