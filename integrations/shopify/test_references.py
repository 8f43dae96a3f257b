"""What Shopify's customers, products and locations state, worked out by hand from their payloads.

The coffee shop of ``test_shopify.py``. John has asked to be forgotten.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from integrations.cases import FOR_PERSON, RECEIVED, Case
from integrations.clocks import micros
from sales.drafts import OrderedBy, Rank, ReferenceDraft, ReferenceKind, Version

_EASTERN = timezone(timedelta(hours=-4))


def stated(
    kind: ReferenceKind, number: str, hour: int, minute: int, second: int = 0, **content: Any
) -> ReferenceDraft:
    """Return what is stated as of a time of 14 September; without content it is only named."""
    at = datetime(2026, 9, 14, hour, minute, second, tzinfo=_EASTERN)
    return ReferenceDraft(
        kind=kind,
        external_id=number,
        version=Version(Rank.FULL, micros(at), 0),
        content=content or None,
    )


def gone(kind: ReferenceKind, number: str, **content: Any) -> ReferenceDraft:
    """Return an end, which only its first receipt dates."""
    return ReferenceDraft(
        kind=kind,
        external_id=number,
        version=Version(Rank.FULL, RECEIVED, 0, OrderedBy.RECEIPT),
        content=content or None,
        gone=True,
    )


CUSTOMER, PRODUCT, LOCATION = (
    ReferenceKind.CUSTOMER,
    ReferenceKind.PRODUCT,
    ReferenceKind.LOCATION,
)
JANE, JOHN, SHOP = "207119551", "191167", "655441491"
JANE_IS: dict[str, Any] = {"name": "Jane D", "phone": None, "email": "jane@example.com"}

CASES: dict[str, Case] = {
    "customers_create__new": [stated(CUSTOMER, JANE, 8, 8, 40, **JANE_IS)],
    "customers_update__known": [
        stated(
            *(CUSTOMER, JOHN, 9, 15, 7),
            name="John Smith",
            phone="555-625-1199",
            email="john@example.com",
        )
    ],
    # All of it is null: that is no access, and no statement over what was known.
    "customers_update__no_access": [stated(CUSTOMER, JANE, 8, 8, 50)],
    "customers_enable__account": [
        stated(CUSTOMER, JANE, 9, 20, **{**JANE_IS, "phone": "+15556251200"})
    ],
    "customers_disable__account": [stated(CUSTOMER, JANE, 9, 30, **JANE_IS)],
    "customers_delete__gone": [gone(CUSTOMER, JANE)],
    "customers_redact__known": [
        gone(CUSTOMER, JOHN, name=None, phone=None, email=None),
        FOR_PERSON,
    ],
    "customers_data_request__asked": [FOR_PERSON],
    "shop_redact__removed": [FOR_PERSON],
    # Its only variant is what is sold; of two sizes neither is the product's own.
    "products_create__croissant": [
        stated(PRODUCT, "632910393", 7, 0, name="Croissant", sku="CRO", barcode="4006381333931")
    ],
    "products_update__two_sizes": [
        stated(PRODUCT, "632910392", 7, 5, 9, name="Cappuccino", sku=None, barcode=None)
    ],
    "products_delete__gone": [gone(PRODUCT, "632910393")],
    "locations_create__cafe": [
        stated(
            *(LOCATION, SHOP, 6, 0),
            name="Main Street",
            address="61 Main Street, Ottawa, Ontario, K2P 1L4",
        )
    ],
    "locations_update__renamed": [
        stated(
            *(LOCATION, SHOP, 6, 10),
            name="Main Street Café",
            address="61 Main Street, Unit 2, Ottawa, Ontario, K2P 1L4",
        )
    ],
    "locations_activate__opened": [
        stated(LOCATION, SHOP, 6, 20, name="Main Street", address="Ottawa, Ontario, K2P 1L4")
    ],
    # Closed, and still the place of its sales.
    "locations_deactivate__closed": [
        stated(
            *(LOCATION, SHOP, 20, 0),
            name="Main Street",
            address="61 Main Street, Ottawa, Ontario, K2P 1L4",
        )
    ],
    "locations_delete__gone": [gone(LOCATION, SHOP)],
}
