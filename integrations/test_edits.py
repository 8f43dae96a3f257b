"""Edits by hand: every value is checked and made canonical; nothing arrives over HTTP."""

import json
from typing import Any

import pytest

from sales.drafts import CLEAR, Edit, SaleDraft
from sales.hand import FIELDS as WRITABLE
from sales.hand import columns_of

from .cases import context_of
from .contract import Delivery, PayloadUnrecognised
from .edits import FIELDS
from .registry import PROVIDERS, UnknownProvider, get

MANUAL = PROVIDERS["manual"]


def normalised(envelope: dict[str, Any]) -> Any:
    (event,) = MANUAL.split(Delivery("POST", "", "", {}, json.dumps(envelope).encode(), ""))
    (draft,) = MANUAL.normalisers[event.type](event, context_of(MANUAL)) or ()
    return draft


def edited(kind: str, fields: Any, **changed: Any) -> Any:
    data = {"kind": kind, "source_id": 7, "external_id": "412", "at": 1_789_387_724_000_001}
    return normalised({"type": "entity.edited", "data": {**data, "fields": fields, **changed}})


def refused(kind: str, fields: Any, **changed: Any) -> str:
    with pytest.raises(PayloadUnrecognised) as caught:
        edited(kind, fields, **changed)
    return caught.value.path


def test_an_edit_names_its_entity_and_its_microsecond() -> None:
    assert edited("sale", {"number": "413", "deleted": False}) == Edit(
        kind="sale",
        source_id=7,
        external_id="412",
        at=1_789_387_724_000_001,
        fields={"number": "413", "deleted": False},
    )


@pytest.mark.parametrize(
    ("kind", "field", "given", "kept"),
    [
        ("sale", "total", 100.5, "100.5"),
        ("sale", "total", "100.50", "100.50"),
        ("sale", "rounding_total", "-0.5", "-0.5"),
        ("sale", "occurred_at", "2026-09-14T15:08:44.5+03:00", "2026-09-14T12:08:44.500000Z"),
        ("sale", "business_date", "2026-09-14", "2026-09-14"),
        ("sale", "utc_offset", 180, 180),
        ("sale", "tax_included", True, True),
        ("sale", "location", 5, "5"),
        ("sale", "customer", None, None),
        ("sale", "currency", "KZT", "KZT"),
        ("sale", "shift", {"number": 88}, {"id": None, "number": "88"}),
        ("sale", "status", "voided", "voided"),
        ("sale", "note", CLEAR, None),
        ("sale", "total", CLEAR, CLEAR),
        ("sale", "currency", CLEAR, CLEAR),
        ("sale", "discounts", [{"amount": 5}], [{"kind": "other", "amount": "5.00"}]),
        ("sale", "lines", [], []),
        ("refund", "sale", "411", "411"),
        ("refund", "status", "failed", "failed"),
        ("refund", "lines", [{"name": "Хлеб", "total": 5}], [{"name": "Хлеб", "total": "5.00"}]),
        ("refund", "lines", [{"restocked": False}], [{"restocked": False}]),
        ("product", "category", "cat-1", "cat-1"),
        ("customer", "email", "", ""),
        (
            "location",
            "same_as",
            "8F9C1C1E-3D1E-5B0A-9A55-6F3F0C6D7E21",
            "8f9c1c1e-3d1e-5b0a-9a55-6f3f0c6d7e21",
        ),
    ],
)
def test_values_become_canonical(kind: str, field: str, given: Any, kept: Any) -> None:
    if field == "note":
        assert refused(kind, {field: given}) == "data.fields.note"
    else:
        assert edited(kind, {field: given}).fields == {field: kept}


def test_lines_are_those_of_the_standard_schema() -> None:
    line = {
        "product": {"id": "p-1", "name": "Хлеб"},
        "quantity": 2,
        "unit_price": "10.5",
        "tax": {"code": "10", "included": True},
        "marking": ["01"],
    }

    (found,) = edited("sale", {"lines": [line]}).fields["lines"]

    # 2 × 10.5 = 21.00
    assert found == {
        "kind": "good",
        "product": {"external_id": "p-1", "name": "Хлеб"},
        "quantity": "2",
        "unit_price": "10.5",
        "gross": "21.00",
        "tax": {"code": "10", "rate": "10", "included": True},
        "marking": ["01"],
    }


@pytest.mark.parametrize(
    ("kind", "fields", "path"),
    [
        ("sale", {"net_total": "1"}, "data.fields.net_total"),
        ("sale", {"status": "refunded"}, "data.fields.status"),
        ("sale", {"status": None}, "data.fields.status"),
        ("sale", {"total": "-1"}, "data.fields.total"),
        ("sale", {"total": 1e13}, "data.fields.total"),
        ("sale", {"total": "NaN"}, "data.fields.total"),
        ("sale", {"currency": "ABC"}, "data.fields.currency"),
        ("sale", {"occurred_at": "2026-09-14T12:00:00"}, "data.fields.occurred_at"),
        ("sale", {"lines": [{"quantity": "x"}]}, "data.fields.lines[0].quantity"),
        ("sale", {"deleted": None}, "data.fields.deleted"),
        ("sale", {"shift": "88"}, "data.fields.shift"),
        ("location", {"same_as": "shop"}, "data.fields.same_as"),
        ("customer", {"phone": 7}, "data.fields.phone"),
        ("sale", [], "data.fields"),
        ("cheque", {}, "data.kind"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_place(kind: str, fields: Any, path: str) -> None:
    assert refused(kind, fields) == path


def test_the_entity_must_be_named_whole() -> None:
    assert refused("sale", {}, at="now") == "data.at"
    assert refused("sale", {}, external_id="") == "data.external_id"
    assert refused("sale", {}, source_id=None) == "data.source_id"


SETTABLE = [(kind, name) for kind, checks in FIELDS.items() for name in checks]
VALUES: dict[str, Any] = {
    "kind": "correction",
    "status": "completed",
    "channel": "online",
    "currency": "USD",
    "occurred_at": "2026-09-14T12:00:00Z",
    "provider_at": "2026-09-14T12:00:00Z",
    "business_date": "2026-09-14",
    "is_test": True,
    "tax_included": True,
    "utc_offset": 60,
    "shift": {"id": "1"},
    "discounts": [],
    "lines": [],
    "payments": [],
    "same_as": "8f9c1c1e-3d1e-5b0a-9a55-6f3f0c6d7e21",
}


@pytest.mark.parametrize(("kind", "name"), SETTABLE)
def test_every_field_that_is_read_can_be_written(kind: str, name: str) -> None:
    value = VALUES.get(name, "10")
    if (kind, name) == ("refund", "kind"):
        value = "void"

    found = edited(kind, {name: value}).fields

    if (kind, name) != ("sale", "lines"):  # rows of their own
        assert columns_of(kind, name, found[name], source_id=7)


def test_every_field_that_can_be_written_is_read() -> None:
    for kind, writable in WRITABLE.items():
        assert writable.keys() <= FIELDS[kind].keys()


def test_a_person_states_a_whole_sale_in_the_standard_schema() -> None:
    draft = normalised(
        {
            "type": "sale.created",
            "timestamp": "2026-09-14T12:00:00.000001Z",
            "data": {"id": "1", "occurred_at": "2026-09-14T12:00:00Z", "total": "5"},
        }
    )

    assert isinstance(draft, SaleDraft)


def test_an_unknown_provider_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownProvider, match=", ".join(sorted(PROVIDERS))):
        get("oneC")
    assert get("square") is PROVIDERS["square"]
