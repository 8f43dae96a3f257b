"""What lists and the catalogue of Square state, worked out by hand from what its API answers."""

from decimal import Decimal as D
from typing import Any

import pytest

from integrations import samples
from integrations.cases import IGNORED, Case, outcome_of_answer
from sales.drafts import (
    Mention,
    Payment,
    PaymentDraft,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    Version,
)

from . import PROVIDER
from .test_orders import BAR, JANE, UNDATED, at, read_at


def person(version: Version, name: str, phone: str | None, email: str | None) -> ReferenceDraft:
    content = {"name": name, "phone": phone, "email": email}
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER, external_id=JANE, version=version, content=content
    )


def product(name: str, version: Version, content: dict[str, Any] | None) -> ReferenceDraft:
    return ReferenceDraft(
        kind=ReferenceKind.PRODUCT,
        external_id=name,
        version=version,
        content=content,
        gone=content is None,
    )


# 20.00 handed over, 8.13 back: 11.87 stays.
IN_CASH = Payment(
    external_id="cAsh1pRFVxpDsO1FB05SunFWUe9JZ",
    method="cash",
    provider_method="CASH",
    amount=D("11.87"),
    currency="USD",
    tendered=D("20.00"),
    change=D("8.13"),
    paid_at=at(13, 0),
    location=BAR,
    device=Mention(external_id="dev-7", name="iPad 1"),
    employee=Mention(external_id="TMAAAA1111"),
)
UNLINKED = Refund(
    external_id="uNlInKeD_refund1",
    status="failed",  # REJECTED
    total=D("5.00"),
    currency="USD",
    occurred_at=at(13, 40),
    location=BAR,
)
_DRINKS = Mention(external_id="CDRINKS")
ANSWERS: dict[str, Case] = {
    "order.listed__locations": [
        ReferenceDraft(
            kind=ReferenceKind.LOCATION, external_id=name, version=UNDATED, content=content
        )
        for name, content in (
            (
                "L88917AVBK2S5",
                {"name": "Main Street", "address": "1 Main St, Springfield, 00001"},
            ),
            ("LKIOSK", {"name": "Kiosk", "address": None}),
        )
    ],
    "payment.listed__page": [
        PaymentDraft(
            external_id=str(IN_CASH.external_id),
            version=read_at(13, 0, 0, 500),
            sale_external_id="05CASHPaAaFnI6kkwB1JxGgBsUZY",
            content=IN_CASH,
        )
    ],
    "refund.listed__page": [
        RefundDraft(external_id="uNlInKeD_refund1", version=read_at(13, 40, 2), content=UNLINKED)
    ],
    "customer.listed__page": [
        person(read_at(12, 20), "Jane Doe", "+15551230001", "jane@example.com")
    ],
    # The latest first. A variation's name is its item's too: the later of the two dates it.
    "catalog.read__hour": [
        product(
            "R7R6DWWVL6IN4XUE6AZJ3CJQ",
            read_at(10, 59, 0, 500),
            {
                "name": "Cappuccino - Large",
                "sku": "CAP-L",
                "barcode": "012345678905",
                "category": _DRINKS,
            },
        ),
        product("VXL", read_at(10, 40), None),
        product(
            "VSMALL",
            read_at(10, 30),
            {"name": "Cappuccino - Small", "sku": None, "barcode": None, "category": _DRINKS},
        ),
        product("VOLD", read_at(10, 20), None),
        ReferenceDraft(
            kind=ReferenceKind.CATEGORY, external_id="CSALE", version=read_at(10, 11), gone=True
        ),
        ReferenceDraft(
            kind=ReferenceKind.CATEGORY,
            external_id="CDRINKS",
            version=read_at(10, 10),
            content={"name": "Drinks"},
        ),
    ],
    "catalog.missing__nothing": IGNORED,
    "catalog.listed__page": [
        product(
            "VTEA",
            read_at(9, 0),
            {"name": "Tea - Green", "sku": None, "barcode": None, "category": _DRINKS},
        )
    ],
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_answer_states_what_was_worked_out_by_hand(name: str) -> None:
    assert outcome_of_answer(PROVIDER, samples.load_answers("square")[name]) == ANSWERS[name]
