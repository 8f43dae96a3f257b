"""A source that confirms: what an unsigned delivery says is asked about, never believed."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Source
from accounts.rls import scoped
from integrations.contract import Context, Event, Read, Statement
from tasks.pipeline import settle
from tests.played import ask_all, playing
from tests.settling import TOY, outcomes_of, put, sale_event, sales
from tests.thin import HOST, THIN, Crm, make_thin, reads, settle_answers

pytestmark = pytest.mark.django_db(transaction=True)


def _ask(event: Event, context: Context) -> list[Statement]:
    return [Read("deal", event.payload["sale"])]


_TOLD = TOY.normalisers["sale"]
#: A till that sends whole sales, signs nothing, and can be asked.
FAT = replace(
    THIN, normalisers={**THIN.normalisers, "sale": _TOLD, "odd": _TOLD}, confirm={"sale": _ask}
)
FATS = {"thin": FAT}


def make(*, confirm: bool) -> Source:
    source = make_thin()
    with scoped([source.account_id]):
        source.settings = {"confirm": confirm}
        source.save()
    return source


def hear(source: Source, *events: Any) -> list[str]:
    settle(put(source, *events), providers=FATS)
    return outcomes_of(source)


def ask(source: Source, crm: Crm) -> None:
    with playing(crm) as played:
        ask_all(FATS, played.client(HOST))
    settle_answers(source, FATS)


def totals(source: Source) -> list[str]:
    return [str(one["total"]) for one in sales(source) if one["visible"]]


def test_only_what_the_providers_own_api_says_becomes_a_sale() -> None:
    source = make(confirm=True)

    ended = hear(
        source,
        sale_event("1", sale="7", total="999999.00"),
        sale_event("2", sale="8", total="999999.00"),
    )

    assert (ended, sales(source)) == (["fetching", "fetching"], [])
    ask(source, Crm({"7": {"id": "7", "total": "10.00", "updated": 1}}))
    assert totals(source) == ["10.0000"]
    # What nobody knows is asked for again, in case a copy lags, and is no sale meanwhile.
    assert [one.external_id for one in reads(source)] == ["8"]


def test_without_the_setting_the_delivery_is_believed() -> None:
    source = make(confirm=False)

    assert hear(source, sale_event("1", sale="7", total="11.00")) == ["recorded"]
    assert (totals(source), reads(source)) == (["11.0000"], [])


def test_what_states_something_and_names_nothing_to_ask_for_is_kept_and_not_believed() -> None:
    source = make(confirm=True)

    assert hear(source, {**sale_event("1"), "type": "odd"}) == ["unsupported"]
    assert (sales(source), reads(source)) == ([], [])


def test_replayed_it_is_believed_no_more_than_before() -> None:
    source = make(confirm=True)
    ids = put(source, sale_event("1", sale="7", total="999999.00"))
    settle(ids, providers=FATS)

    settle(ids, replay=True, providers=FATS)

    assert (sales(source), len(reads(source))) == ([], 1)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("evotor", "cannot be asked"),
        ("amocrm", "not taken at their word anyway"),
        ("square", "are signed"),
    ],
)
def test_a_provider_that_cannot_do_it_refuses_the_setting(provider: str, said: str) -> None:
    setting = ("--setting", "confirm=true")

    with pytest.raises(CommandError, match=said) as caught:
        call_command("source", "add", provider, "--account", "cafe", *setting)

    assert "--setting confirm" in str(caught.value)


def test_a_provider_that_nobody_can_ask_does_not_start_with_it() -> None:
    with pytest.raises(TypeError, match="confirm"):
        replace(FAT, api=None)
