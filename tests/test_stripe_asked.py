"""An account of Stripe played by a local server: its list of events finds what was lost.

13.87 by card; 3.23 of it comes back, then 2.00: the counter of the charge says 3.23, then 5.23.
"""

import json
import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Account, Source
from accounts.rls import scoped
from ingest import endpoints
from integrations import samples
from integrations.stripe import PROVIDER
from sales.models import Customer, Payment, Refund, Sale
from tasks.children import add_child
from tasks.fetching import walks
from tasks.models import Backfill
from tasks.pipeline import settle
from tests.played import Answering, Request, Said, playing, turn_until, working
from tests.settling import dead_letters, outcomes_of, put
from tests.walking import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"stripe": PROVIDER}
HOST, KEY = "api.stripe.com", "rk_live_key"
RECORDED = samples.load("stripe")
SINCE, UNTIL = datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 15, tzinfo=UTC)


def event(name: str, number: str = "", *, later: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a recorded event; as another one where it has another number, time or fields."""
    found: dict[str, Any] = deepcopy(json.loads(RECORDED[name].body))
    found["id"] += number
    found["created"] += later
    found["data"]["object"].update(fields)
    return found


SOLD = event("charge.succeeded__terminal")
FIRST, FIRST_DONE = event("charge.refunded__partial"), event("refund.updated__partial")
# A minute later; the counter is 323 + 200.
SECOND = event("charge.refunded__partial", "b", later=60, amount_refunded=523)
SECOND_DONE = event(
    "refund.updated__partial", "b", later=60, id="re_second", amount=200, created=1_789_388_492
)
#: Newest first, as Stripe lists them.
STORY = (SECOND_DONE, SECOND, FIRST_DONE, FIRST, SOLD)


def account(
    events: Sequence[dict[str, Any]], size: int = 2, *, again: int = 0, of: str | None = None
) -> Answering:
    """Answer as documented: some events a page behind the one that is named, ``again`` of which
    come once more with the next page; 401 for a key, and 403 for an account, of somebody else."""

    def answer(request: Request) -> Said:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Said(401, {"error": {"type": "invalid_request_error"}})
        if request.headers.get("stripe-account") != of:
            return Said(403, {"error": {"code": "account_invalid"}})
        after = request.query.get("starting_after")
        ids = [one["id"] for one in events]
        begin = 0 if after is None else ids.index(after) + 1 - again
        page = events[begin : begin + size + again]
        more = begin + size + again < len(events)
        return Said(200, {"object": "list", "data": page, "has_more": more})

    return answer


def connected(slug: str = "shop", key: str = KEY, **settings: Any) -> Source:
    owner = Account.objects.create(slug=slug, title=slug)
    with scoped([owner.pk]):
        source = Source.objects.create(
            account=owner, provider="stripe", title="shop", currency="USD", settings=settings
        )
        endpoints.give_api_secret(source, key)
    return source


def pushed(source: Source, events: Iterable[dict[str, Any]]) -> None:
    for one in events:
        settle(put(source, one), providers=MINE)


def listed(source: Source, events: Sequence[dict[str, Any]], **how: Any) -> list[str | None]:
    """Walk the list; return behind which events its pages were asked for."""
    played = walked(source, "event", (SINCE, UNTIL), account(events, **how), at=(MINE, HOST))
    return [one.query.get("starting_after") for one in played.requests]


def rows(source: Source) -> dict[str, list[dict[str, Any]]]:
    """Return what the tables say of a source's sales, disputed versions too; but for ids of ours,
    times of receipt, and which deliveries said it."""
    ours = {"account_id", "source_id", "received_at", "updated_at", "deliveries"}
    with scoped([source.account_id]):
        return {
            model.__name__: [
                {
                    name: value
                    for name, value in row.items()
                    if name not in ours and not isinstance(value, UUID)
                }
                for row in model.objects.filter(source=source).order_by("external_id").values()
            ]
            for model in (Sale, Payment, Refund, Customer)
        }


def test_a_lost_day_is_paged_through_by_the_last_event_of_each_page() -> None:
    source = connected()

    asked = listed(source, STORY)

    assert asked == [None, SECOND["id"], FIRST["id"]]
    with scoped([source.account_id]):
        sale = Sale.objects.get()
        refunds = [*Refund.objects.order_by("total").values_list("total", "sale_id")]
    # 13.87 − 5.23
    assert (sale.status, str(sale.total), str(sale.net_total)) == (
        *("partially_refunded", "13.8700"),
        "8.6400",
    )
    assert [(str(total), of) for total, of in refunds] == [("2.0000", sale.pk), ("3.2300", sale.pk)]
    assert "dead" not in outcomes_of(source)


def test_list_and_webhooks_leave_the_very_same_rows_in_every_order() -> None:
    # The refund of 3.23 is known by the counter alone: what is left of it has to come out right.
    story = (SECOND_DONE, SECOND, FIRST, SOLD)
    told = connected("told")
    pushed(told, reversed(story))
    expected = rows(told)

    for number, order in enumerate(permutations(story)):
        source = connected(f"shop{number}")
        # None, some or all but one came before; then the list, which has the old after the new,
        # or the other way round; then the webhooks once more.
        pushed(source, order[: number % len(order)])
        listed(source, order if number % 3 else story, size=1 + number % 2)
        found = rows(source)
        pushed(source, order)

        assert found == rows(source) == expected, [one["id"] for one in order]
    assert str(expected["Sale"][0]["net_total"]) == "8.6400"


@pytest.mark.parametrize("way", ["webhooks first", "list first", "list alone"])
def test_a_customer_who_was_deleted_stays_deleted(way: str) -> None:
    told = connected("told")
    story = [event(f"customer.{what}__jane") for what in ("deleted", "updated", "created")]
    pushed(told, reversed(story))
    source = connected()

    if way == "webhooks first":
        pushed(source, reversed(story))
    listed(source, story, size=1)
    if way == "list first":
        pushed(source, reversed(story))

    assert rows(source) == rows(told)
    assert [one["deleted"] for one in rows(told)["Customer"]] == [True]


def test_an_event_on_two_pages_counts_once() -> None:
    told = connected("told")
    pushed(told, reversed(STORY))
    source = connected()

    asked = listed(source, STORY, size=1, again=1)

    assert len(asked) > 2
    assert rows(source) == rows(told)


def test_a_key_that_is_refused_says_so_and_states_nothing() -> None:
    source = connected(key="rk_live_revoked")
    with scoped([source.account_id]):
        walk = walks.start(source, "event", SINCE, UNTIL)

    def seen() -> Backfill:
        with scoped([source.account_id]):
            return Backfill.objects.get(pk=walk.pk)

    with playing(account(STORY)) as played, working(MINE, played.client(HOST)) as work:
        assert turn_until(work, lambda: seen().last_error is not None)

    assert seen().state == "running"
    assert "401" in str(seen().last_error)
    assert "rk_live" not in str(seen().last_error)
    assert rows(source)["Sale"] == []


def test_a_cursor_that_stripe_no_longer_keeps_is_no_end_of_the_list() -> None:
    source = connected()
    with scoped([source.account_id]):
        walk = walks.start(source, "event", SINCE, UNTIL)
    pages = account(STORY)

    def forgetful(request: Request) -> Said:
        gone = Said(404, {"error": {"code": "resource_missing", "param": "starting_after"}})
        return gone if "starting_after" in request.query else pages(request)

    def seen() -> Backfill:
        with scoped([source.account_id]):
            return Backfill.objects.get(pk=walk.pk)

    with playing(forgetful) as played, working(MINE, played.client(HOST)) as work:
        assert turn_until(work, lambda: seen().last_error is not None)

    assert (seen().state, seen().pages) == ("running", 1)


def test_a_merchant_of_a_platform_is_listed_by_the_platforms_key_for_his_account() -> None:
    owner = Account.objects.create(slug="platform", title="platform")
    with scoped([owner.pk]):
        app = Source.objects.create(account=owner, provider="stripe", title="App", is_app=True)
        endpoints.give_api_secret(app, KEY)
        merchant = add_child(owner, PROVIDER, app, merchant="acct_1Connected")

    listed(merchant, STORY, of="acct_1Connected")

    assert merchant.settings == {"account": "acct_1Connected"}
    with scoped([owner.pk]):
        assert str(Sale.objects.get(source=merchant).net_total) == "8.6400"


def test_what_cannot_be_read_on_a_page_is_named_by_its_place() -> None:
    source = connected()

    listed(source, (FIRST, event("refund.updated__partial", amount="323")))

    (letter,) = dead_letters(source)
    assert letter.path == "answers[0].data[1].data.object.amount"


def test_more_than_stripe_keeps_is_refused_and_what_it_keeps_is_asked_for() -> None:
    source = connected()
    until = f"{timezone.now():%Y-%m-%d}"
    long_ago = f"{timezone.now() - timedelta(days=32):%Y-%m-%d}"

    with pytest.raises(CommandError, match="goes back 30 days") as refused:
        call_command("backfill", str(source.pk), "--from", long_ago, "--to", until)
    first = re.search(r"begin at (\S+):", str(refused.value))
    assert first is not None
    call_command(
        *("backfill", str(source.pk), "--from", first[1], "--to", until, "--detach"),
        stdout=StringIO(),
    )

    with scoped([source.account_id]):
        walk = Backfill.objects.get()
    assert walk.kind == "event"
    assert timedelta(days=29) < timezone.now() - walk.since < timedelta(days=30)
