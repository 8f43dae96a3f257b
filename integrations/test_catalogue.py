"""The page of providers is what the registry says, and says what a person has to know."""

import dataclasses

import pytest

from .catalogue import described, heard, spelled, unconfirmed
from .catalogue_page import PAGE, page
from .contract import Provider
from .registry import PROVIDERS
from .schemes import SCHEMES, FieldsDigest, FormField, Never, StaticHeader, UserBearer
from .senders import Sender

every_provider = pytest.mark.parametrize(
    "provider", heard(PROVIDERS.values()), ids=lambda provider: provider.slug
)


def test_the_page_is_what_the_registry_says() -> None:
    assert PAGE.read_text() == page(PROVIDERS.values()), "manage.py providers --docs writes it anew"


def test_every_provider_but_the_built_in_one_is_on_the_page() -> None:
    headings = [f"## {one.title}\n" for one in PROVIDERS.values() if one.slug != "manual"]

    text = PAGE.read_text()
    assert [text.count(heading) for heading in headings] == [1] * len(headings)
    assert "Вручную" not in text


@every_provider
def test_what_a_sender_expects_was_read_somewhere(provider: Provider) -> None:
    if provider.configured is not None:
        return  # nobody has written down what an unknown system expects
    assert provider.sender.source.startswith("https://")
    assert provider.sender.source[-10:].startswith("2026-")
    assert 200 in provider.sender.accepts


@every_provider
def test_a_readme_says_in_both_languages_what_is_not_confirmed(provider: Provider) -> None:
    found = unconfirmed(provider.slug)

    assert len(found["ru"]) == len(found["en"])
    # Of what is ours there is nothing to doubt; everybody else's was read, not tried.
    assert bool(found["ru"]) is (provider.slug not in ("standard", "custom"))


@every_provider
def test_texts_are_in_both_languages(provider: Provider) -> None:
    told = described(provider)

    texts = [told["proof"], told["sender"]["then"], *told["settings"].values(), *told["secrets"]]
    assert [text for text in texts if text.count(" / ") == 0 and text and "`" not in text] == []


def test_a_scheme_says_itself_in_words() -> None:
    told = {name: scheme.words for name, scheme in SCHEMES.items()}

    assert len(set(told.values())) == len(told)
    assert [name for name, words in told.items() if " / " not in words] == []
    assert told["square"].endswith(
        "`x-square-hmacsha256-signature`: base64(HMAC-SHA256(secret, url + body))"
    )
    assert told["github"].endswith("sha256=hex(HMAC-SHA256(secret, body))")
    assert told["hubspot-v1"].endswith("hex(SHA256(secret + body))")
    assert told["zettle"].endswith('hex(HMAC-SHA256(secret, timestamp + "." + payload))')
    assert told["hubspot-v3"].endswith("+ x-hubspot-request-timestamp)), ± 300 s")
    assert told["stripe"].endswith('t=…,v1=hex(HMAC-SHA256(secret, t + "." + body)), 300 s')


def test_schemes_of_secrets_in_clear_say_where_the_secret_stands() -> None:
    assert "`auth.token`" in FormField("auth.token").words
    assert "`x-key`" in StaticHeader("x-key").words
    assert UserBearer().words.startswith(SCHEMES["bearer"].words)
    assert "ничего" in Never().words
    digest = FieldsDigest(("a", "b"), proof="sum", separator="|")
    assert digest.words.endswith("`sum`: hex(MD5(a + '|' + b + '|' + secret))")


def test_facts_of_a_thin_provider() -> None:
    told = described(PROVIDERS["moysklad"])

    assert told["asks"] == told["lists"] == ["retaildemand", "retailsalesreturn"]
    assert told["budget"] == {"units": 45, "seconds": 3.0, "at_once": 5}
    assert told["window"] == 3600.0
    assert "retaildemand.create" in told["reads"]
    assert not [one for one in told["reads"] if one.endswith((".read", ".missing", ".listed"))]
    assert told["secrets"] == ["API: `--kind api`"]


def test_facts_of_a_fat_provider() -> None:
    told = described(dataclasses.replace(PROVIDERS["shopify"], api=None))

    assert (told["asks"], told["budget"], told["lists"], told["window"]) == ([], None, [], None)
    assert told["secrets"] == [
        "доставок: показывает провайдер / of deliveries: the provider shows it"
    ]
    assert told["signed"] is True


@pytest.mark.parametrize(
    ("statuses", "text"),
    [((200,), "200"), ((204, 200), "200, 204"), (range(100, 300), "100–299"), ((), "")],
)
def test_statuses_are_written_as_people_do(statuses: tuple[int, ...], text: str) -> None:
    assert spelled(statuses) == text


def test_pauses_are_as_many_as_repeats() -> None:
    with pytest.raises(ValueError, match="pauses: 1, repeats: 2"):
        Sender(repeats=2, pauses=(5,))


def test_what_a_provider_does_not_say_is_a_question_mark_and_the_page_tells_it() -> None:
    shy = dataclasses.replace(PROVIDERS["moysklad"], sender=Sender(within=90, repeats=0))

    text = page([shy])

    assert "| ждёт ответа / waits for it | 90 с / 90 s |" in text
    assert "| повторяет / repeats | никогда / never |" in text
    assert "| потом / afterwards | ? |" in text
    assert "перечитывают последние / the clock lists again the last: 1 ч / 1 h" in text
