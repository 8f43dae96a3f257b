"""What a description must say: each mistake is refused when it is set, and names its place."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from integrations import samples
from integrations.contract import (
    Delivery,
    Secret,
    SettingUnusable,
    SignatureInvalid,
    SignatureStale,
)
from integrations.schemes import Address

from . import PROVIDER
from .description import read_description
from .fields import DOCUMENTS, Many, Table

HERE = Path(__file__).parent
TEXT = samples.settings("custom")["description"]
WHOLE: dict[str, Any] = json.loads(TEXT)
VECTORS: dict[str, Any] = json.loads((HERE / "proofs.json").read_text())
SCHEMA = HERE.parent / "standard" / "schema" / "v1"


def changed(place: str, value: Any) -> str:
    """Return the description with something else at a place; ``...`` takes it out."""
    whole = deepcopy(WHOLE)
    *steps, last = place.split(".")
    owner = whole
    for step in steps:
        owner = owner[int(step)] if isinstance(owner, list) else owner[step]
    if value is ...:
        del owner[last]
    else:
        owner[last] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("proof", ..., "proof"),
        ("proof.scheme", ..., "proof.scheme"),
        ("proof.scheme", "none", "proof.scheme"),
        ("proof.scheme", "", "proof.scheme"),
        ("proof.scheme", "bearer", "proof.header"),
        ("proof.header", "X Signature", "proof.header"),
        ("proof.header", "Cookie", "proof.header"),
        ("proof.header", "X-Gjango-Merchant", "proof.header"),
        ("proof.algorithm", "md5", "proof.algorithm"),
        ("proof.algorithm", ..., "proof.algorithm"),
        ("proof.encoding", "base32", "proof.encoding"),
        ("proof.signed", [], "proof.signed"),
        ("proof.signed", ["text:a"], "proof.signed"),
        ("proof.signed", ["body", "header:"], "proof.signed[1]"),
        ("proof.signed", ["body", "cookie"], "proof.signed[1]"),
        ("proof.signed", ["body", 5], "proof.signed[1]"),
        ("proof.signed", ["body", "header:X-Lastochka-Signature"], "proof.signed"),
        ("proof.signed", ["body"], "proof.time.header"),
        ("proof.prefix", "подпись=", "proof.prefix"),
        ("proof.time.tolerance", 0, "proof.time.tolerance"),
        ("proof.time.tolerance", ..., "proof.time.tolerance"),
        ("proof.time.unit", "minutes", "proof.time.unit"),
        ("body", "xml", "body"),
        ("body", ..., "body"),
        ("cut", [], "cut"),
        ("cut", ["@.token"], "cut[0]"),
        ("cut", ["$.a[0]"], "cut[0]"),
        ("records", "@.receipts", "records"),
        ("records", "$..receipts", "records"),
        ("key", "uid", "key"),
        ("key", {"join": []}, "key.join"),
        ("type", ..., "type"),
        ("types", {}, "types"),
        ("types.SALE", "sold", "types.SALE"),
        ("types.SALE", ["sale", "ignored"], "types.SALE[1]"),
        ("types.SALE", "payment", "payment"),
        ("money.unit", "kopecks", "money.unit"),
        ("time.format", "%d.%m", "time.format"),
        ("time.format", "%d.%m.%Y %d", "time.format"),
        ("time.format", "%d.%m.%Y %", "time.format"),
        ("time.format", "%d %B %Y", "time.format"),
        ("time.zone", "Moscow", "time.zone"),
        ("sales", {}, "sales"),
        ("sale", [], "sale"),
        ("sale.totl", "@.sum", "sale.totl"),
        ("sale.total", ..., "sale.total"),
        ("sale.id", ..., "sale.id"),
        ("sale.total", "sum", "sale.total"),
        ("sale.total", {"paths": "@.sum"}, "sale.total.paths"),
        ("sale.total", {"path": "@.sum", "else": 1}, "sale.total.else"),
        ("sale.total", {"join": ["@.sum"]}, "sale.total"),
        ("sale.total", {"value": {"a": 1}}, "sale.total.value"),
        ("sale.kind", {"value": "sold"}, "sale.kind.value"),
        ("sale.kind", {"path": "@.x", "map": {"1": "sold"}}, "sale.kind.map.1"),
        ("sale.kind", {"path": "@.x", "map": {"1": "deal"}, "else": "no"}, "sale.kind.else"),
        ("sale.kind", {"path": "@.x", "map": {}}, "sale.kind.map"),
        ("sale.employee", {"name": "@.cashier"}, "sale.employee.id"),
        ("sale.lines.each", ..., "sale.lines.each"),
        ("sale.lines.each", "$.items[*]", "sale.lines.each"),
        ("sale.lines.tax.kind", "@.a", "sale.lines.tax.kind"),
        ("sale.payments", [], "sale.payments"),
        ("sale.payments.0.amount", ..., "sale.payments[0].amount"),
        ("sale.payments.1.if", "card", "sale.payments[1].if"),
        ("sale.payments.1.money", {"sign": "minus"}, "sale.payments[1].money.sign"),
        ("about", "я" * 1001, "about"),
    ],
)
def test_a_mistake_is_named_with_its_place_in_two_languages(
    place: str, value: Any, named: str
) -> None:
    with pytest.raises(SettingUnusable) as caught:
        read_description(changed(place, value))

    assert caught.value.place == named
    assert caught.value.russian != caught.value.english
    assert str(caught.value).count(f"{named}: ") == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", '{"a":1,"a":2}', "[" * 100, " " * 70_000, "\ud800"]
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(SettingUnusable):
        read_description(text)


def names(table: Table) -> dict[str, Any]:
    """Return the fields of a table by name, those of what it holds below them."""
    found: dict[str, Any] = {}
    for name, shape in table.fields.items():
        inner = shape.of if isinstance(shape, Many) else shape
        nested = isinstance(inner, Table) and not inner.is_link
        found[name] = names(inner) if isinstance(inner, Table) and nested else None
    return found


def published(schema: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in schema["properties"].items():
        inner = one.get("items", one).get("$ref", "").rpartition("/")[2]
        below = common["$defs"].get(inner, {})
        found[name] = published(below, common) if "properties" in below else None
    return found


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_every_field_of_the_standard_schema_can_be_described(kind: str) -> None:
    common = json.loads((SCHEMA / "common.json").read_text())
    schema = json.loads((SCHEMA / f"{kind}.json").read_text())

    assert names(DOCUMENTS[kind]) == published(schema, common)


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: vector["id"])
def test_a_proof_is_what_openssl_made(vector: dict[str, Any]) -> None:
    scheme = read_description(changed("proof", vector["proof"])).scheme
    secret = Secret(vector.get("secret", VECTORS["secret"]))
    delivery = Delivery(
        VECTORS["method"], "", "", vector["headers"], VECTORS["body"].encode(), VECTORS["url"]
    )

    scheme.verify(delivery, [secret], VECTORS["now"])

    assert vector["headers"].items() >= scheme.sign(delivery, secret, VECTORS["now"]).items()
    if isinstance(scheme, Address):
        return
    with pytest.raises(SignatureInvalid):
        scheme.verify(delivery, [Secret(secret.value + "x")], VECTORS["now"])
    if "time" in vector["proof"]:
        late = VECTORS["now"] + vector["proof"]["time"]["tolerance"] + 1
        with pytest.raises(SignatureStale):
            scheme.verify(delivery, [secret], late)


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: vector["id"])
def test_a_source_is_signed_where_its_proof_covers_the_body(vector: dict[str, Any]) -> None:
    provider = PROVIDER.of({"description": changed("proof", vector["proof"])})

    assert provider.signed is (vector["proof"]["scheme"] == "hmac")
