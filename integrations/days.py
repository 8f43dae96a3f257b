"""A provider's recorded day: what its API answers when the demonstration asks.

A provider that can be asked has a ``day.json`` in its folder:

    {"settings": {"portal": "some-domain.bitrix24.ru"},     as for ``source add --setting``
     "api_secret": "7/demo00demo00",                        of kind ``api``
     "answers": ["deal.read__won", "deal.listed__page"],    what its API has, by name of recording
     "missing": {"status": 400, "body": {"error": ""}}}     what it says of anything else

Which request each answer belongs to follows from the provider's own calls: no code is written for
a day.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import answers, samples
from .asking import Api, Asked, Call, Reply, Window
from .contract import Provider
from .reading import parse_json

_HERE = Path(__file__).parent
_KEYS = frozenset({"settings", "api_secret", "answers", "missing"})
_NOT_FOUND = {"status": 404}
_UNAUTHORIZED = 401
#: What a page of a list is asked for by; only its path is looked at.
_ANY_WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))


class DayInvalid(ValueError):
    """A recorded day cannot be played; the message names the provider and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How the demo source of a provider is connected, and what its API has."""

    settings: Mapping[str, str] = field(default_factory=dict)
    api_secret: str | None = None
    answers: tuple[str, ...] = ()
    missing: Mapping[str, Any] = field(default_factory=lambda: _NOT_FOUND)


def load(slug: str) -> Day:
    """Return the day of a provider, an empty one where none is recorded. Raises DayInvalid."""
    file = _HERE / slug / "day.json"
    if not file.exists():
        return Day()
    written = json.loads(file.read_bytes())
    if unknown := written.keys() - _KEYS:
        raise DayInvalid(f"{slug}/day.json: unknown {', '.join(sorted(unknown))}")
    return Day(**{**written, "answers": tuple(written.get("answers", ()))})


@dataclass(frozen=True, slots=True)
class Question:
    """One request as it reaches the API. ``headers`` has lower-case names."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells two questions apart: the order of a query is no part of it."""
        return self.method, self.path, tuple(sorted(self.query)), self.body


@dataclass(frozen=True, slots=True)
class PlayedApi:
    """The API of one provider on its recorded day: a table from questions to answers."""

    reads: Mapping[tuple[Any, ...], tuple[Call, bytes]]
    #: Method and path of a list → the call of its first page, and the page.
    lists: Mapping[tuple[str, str], tuple[Call, bytes]]
    missing: tuple[int, bytes]

    def answer(self, question: Question) -> tuple[int, bytes]:
        """Return status and body: 401 where what proves us is not what the calls carry."""
        found = self.reads.get(question.key) or self.lists.get((question.method, question.path))
        if found is None:
            return self.missing
        call, text = found
        if any(question.headers.get(name.lower()) != said for name, said in call.headers.items()):
            return _UNAUTHORIZED, b"{}"
        return self.missing if text == b"null" else (200, text)


def play(provider: Provider, day: Day) -> PlayedApi:
    """Return what a provider's API answers on a day. Raises DayInvalid."""
    reads: dict[tuple[Any, ...], tuple[Call, bytes]] = {}
    lists: dict[tuple[str, str], tuple[Call, bytes]] = {}
    for call, text, listed in _questions(provider, day):
        kept = reads.setdefault(_asked(call).key, (call, text)) if not listed else (call, text)
        if listed:
            lists[call.method, call.path] = kept
        elif kept[1] != text:
            raise DayInvalid(f"{provider.slug}/day.json: two answers to {call.path}")
    status = day.missing["status"]
    body = json.dumps(day.missing["body"]).encode() if "body" in day.missing else b""
    return PlayedApi(reads, lists, (status, body))


def _questions(provider: Provider, day: Day) -> Iterator[tuple[Call, bytes, bool]]:
    recorded, api = samples.load_answers(provider.slug), provider.api
    settings = {
        name: provider.settings[name](text)
        for name, text in day.settings.items()
        if name in provider.settings
    }
    for name in day.answers:
        if api is None or name not in recorded:
            raise DayInvalid(f"{provider.slug}/day.json: no answer {name}")
        head, texts = json.loads(recorded[name]), answers.texts(recorded[name])
        asked = Asked(head["kind"], head["id"], settings, day.api_secret or "")
        if head["outcome"] == "listed":
            yield api.lists[asked.kind].call(asked, _ANY_WINDOW, None), texts[0], True
        else:
            yield from _read(api, asked, texts, name=f"{provider.slug}/{name}")


def _read(
    api: Api, asked: Asked, texts: list[bytes], *, name: str
) -> Iterator[tuple[Call, bytes, bool]]:
    """Ask as fetching does, each question answered by the next of the recorded texts."""
    replies: list[Reply] = []
    for text in texts:
        call = api.reads[asked.kind](asked, tuple(replies))
        if call is None:
            raise DayInvalid(f"{name}: more answers than are asked for")
        yield call, text, False
        replies.append(Reply(200, {}, parse_json(text)))


def _asked(call: Call) -> Question:
    return Question(call.method, call.path, tuple(call.query), {}, call.body)
