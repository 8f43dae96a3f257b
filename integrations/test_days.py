"""Recorded days: what each provider's API answers when the demonstration asks."""

import json
from dataclasses import replace
from typing import Any

import pytest

from . import answers, days, samples
from .asking import Asked, Call, Reply
from .contract import Provider
from .days import Day, DayInvalid, PlayedApi, Question
from .reading import parse_json
from .registry import PROVIDERS

ASKED = [provider for provider in PROVIDERS.values() if provider.api is not None]
every_asked = pytest.mark.parametrize("provider", ASKED, ids=lambda provider: provider.slug)
MOYSKLAD = PROVIDERS["moysklad"]


def question(call: Call, **changes: Any) -> Question:
    headers = {name.lower(): said for name, said in call.headers.items()}
    asked = Question(call.method, call.path, tuple(call.query), headers, call.body)
    return replace(asked, **changes)


def first_call(provider: Provider, day: Day, kind: str, name: str) -> Call:
    assert provider.api is not None
    settings = {key: provider.settings[key](text) for key, text in day.settings.items()}
    call = provider.api.reads[kind](Asked(kind, name, settings, day.api_secret or ""), ())
    assert call is not None
    return call


def asked_for(provider: Provider, played: PlayedApi, call: Call) -> Reply:
    status, body = played.answer(question(call))
    return Reply(status, {}, parse_json(body) if body else None)


@every_asked
def test_every_provider_that_can_be_asked_has_a_day_with_an_answer_of_a_sale(
    provider: Provider,
) -> None:
    day = days.load(provider.slug)

    played = days.play(provider, day)

    assert day.answers, f"integrations/{provider.slug}/day.json: docs/adding-a-provider.md"
    assert played.reads or played.lists


@every_asked
def test_what_a_day_does_not_have_is_missing_as_the_provider_says_it(provider: Provider) -> None:
    day = days.load(provider.slug)
    played = days.play(provider, day)
    assert provider.api is not None

    for kind in provider.api.reads:
        reply = asked_for(provider, played, first_call(provider, day, kind, "90909090"))
        assert provider.api.missing(reply), kind


def test_each_question_of_a_read_gets_its_own_answer_and_a_wrong_key_none() -> None:
    names = ("retaildemand.read__two_pages", "retaildemand.listed__page")
    day = Day(api_secret="right", answers=names)
    played = days.play(MOYSKLAD, day)
    whole, page = answers.texts(samples.load_answers("moysklad")[names[0]])
    name = "0b71daec-9157-11f1-0a80-0f1a0000b001"
    call = first_call(MOYSKLAD, day, "retaildemand", name)
    pages = replace(
        call,
        path=f"{call.path}/positions",
        query=[("offset", "2"), ("limit", "100"), ("expand", "assortment")],  # in any order
    )
    lists = replace(call, path="/api/remap/1.2/entity/retaildemand", query=[("offset", "0")])
    wrong = {**question(call).headers, "authorization": "Bearer wrong"}

    assert played.answer(question(call)) == (200, whole)
    assert played.answer(question(pages)) == (200, page)
    assert played.answer(question(lists))[0] == 200
    assert played.answer(question(call, headers=wrong)) == (401, b"{}")
    assert played.answer(question(call, method="POST")) == (404, b"")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (Day(answers=("retaildemand.read__nothing_such",)), "no answer"),
        (Day(answers=("retaildemand.read__cash", "retaildemand.read__changed")), "two answers"),
    ],
)
def test_a_day_that_cannot_be_played_says_why(day: Day, said: str) -> None:
    with pytest.raises(DayInvalid, match=said):
        days.play(MOYSKLAD, day)


def test_the_texts_of_an_envelope_are_its_providers_own_byte_for_byte() -> None:
    texts = [b'{"a": 1.10, "b": "]\\", ["}', b"null", b"[ 1,\n 2 ]", '"ё"'.encode()]

    assert answers.texts(answers.envelope("deal", '"answers": [7', "read", texts)) == texts
    assert answers.texts(answers.envelope("deal", "1", "missing", [])) == []
    assert json.loads(texts[2]) == [1, 2]
