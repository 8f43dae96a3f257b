"""A small universe of statements for property tests, and the tables as plain dictionaries.

Two sources, three sales, payments and refunds, few versions: small enough that ties, moves,
tombstones and mirrors happen all the time.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from hypothesis import strategies as st

from accounts.models import Account, Source
from accounts.rls import scoped
from sales import drafts
from sales.drafts import CLEAR, Mention, OrderedBy, Rank, ReferenceKind, Version, entity_id
from sales.merging import LocationSettings, Settings, SourceSettings
from sales.merging.deriving import Table
from sales.models import Location
from sales.recording import Stated, record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CLOCK = 1_770_000_000_000_000
#: Columns that may depend on order, and say so.
IMPURE = {"updated_at", "deliveries"}
TABLES = {
    "sale": ("sales_sale", ("id",)),
    "payment": ("sales_payment", ("id",)),
    "refund": ("sales_refund", ("id",)),
    "line": ("sales_saleline", ("sale_id", "pos")),
    "fiscal": ("sales_fiscal", ("owner_id", "pos")),
    **{str(kind): (f"sales_{kind}", ("id",)) for kind in ReferenceKind},
}


@dataclass(frozen=True)
class Universe:
    """One account with two sources; the second outranks the first as a mirror."""

    account: int
    sources: tuple[int, int]

    @property
    def settings(self) -> Settings:
        """The settings of the universe, for the reference."""
        first, second = self.sources
        return Settings(
            {
                first: SourceSettings("Europe/Moscow", priority=0),
                second: SourceSettings("Asia/Yekaterinburg", priority=5),
            },
            {entity_id(first, "location", "bar"): LocationSettings("Asia/Tokyo", 5)},
        )


def make(slug: str = "universe") -> Universe:
    """Make the account and its sources, and a bar in Tokyo that closes at five."""
    account = Account.objects.create(slug=slug, title=slug)
    with scoped([account.id]):
        first = Source.objects.create(account=account, provider="standard", title="1")
        second = Source.objects.create(
            account=account,
            provider="evotor",
            title="2",
            timezone="Asia/Yekaterinburg",
            priority=5,
        )
        made = Universe(account.id, (first.id, second.id))
        make_bar(made)
    return made


def make_bar(universe: Universe) -> None:
    """Make a location whose settings a person chose before any statement named it."""
    source = universe.sources[0]
    Location.objects.create(
        id=entity_id(source, "location", "bar"),
        account_id=universe.account,
        source_id=source,
        external_id="bar",
        timezone="Asia/Tokyo",
        day_cutoff=5,
        received_at=datetime(2100, 1, 1, tzinfo=UTC),
    )


def record_all(batches: Iterable[Sequence[Stated]]) -> None:
    """Record batches one after another, in the open transaction."""
    for batch in batches:
        record(batch)


def _value(name: str, value: Any, kinds: dict[str, str]) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    return json.loads(value) if kinds[name] == "jsonb" and value is not None else value


def read() -> dict[str, Table]:
    """Read all pure columns of all tables."""
    found: dict[str, Table] = {}
    with connection.cursor() as cursor:
        for kind, (table, key) in TABLES.items():
            cursor.execute(
                "SELECT column_name, udt_name FROM information_schema.columns"
                " WHERE table_name = %s AND NOT column_name = ANY(%s)",
                [table, list(IMPURE)],
            )
            kinds = dict(cursor.fetchall())
            names = ", ".join(f'"{name}"' for name in kinds)
            cursor.execute(f"SELECT {names} FROM {table}")
            rows = [
                {name: _value(name, value, kinds) for name, value in zip(kinds, row, strict=True)}
                for row in cursor.fetchall()
            ]
            found[kind] = {
                row[key[0]] if len(key) == 1 else tuple(row[name] for name in key): row
                for row in rows
            }
    return pure(found)


def pure(tables: dict[str, Table]) -> dict[str, Table]:
    """Take away what is no function of the statements: the settings of a location."""
    settings = {"timezone", "day_cutoff"}
    return {
        kind: {
            key: {
                name: value
                for name, value in row.items()
                if not (name == "received_at" and key == _bar(row))
                and not (kind == "location" and name in {*settings, "currency"})
            }
            for key, row in table.items()
            if not (kind == "location" and _untouched(row))
        }
        for kind, table in tables.items()
    }


def _bar(row: dict[str, Any]) -> UUID:
    return entity_id(row["source_id"], "location", "bar")


def _untouched(row: dict[str, Any]) -> bool:
    return row["id"] == _bar(row) and row["content_stamp"] == b"" and not row["hand"]


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Strategies -------------------------------------------------------------------------------------

amounts = st.sampled_from([Decimal("0.00"), Decimal("5.00"), Decimal("10.00"), Decimal("15.50")])
currencies = st.sampled_from(["RUB", "RUB", "RUB", "USD"])
names = st.sampled_from(["0", "1", "2"])
maybe_amounts = st.none() | amounts
times = st.sampled_from([NOON + timedelta(hours=hours) for hours in (0, 9, 15, 20)])


def _version(rank: Rank, clock: int, seq: int) -> Version:
    # Who ordered it shows in clock and seq: of equal stamps it is the same.
    by = [*OrderedBy][(clock + seq) % len(OrderedBy)]
    return Version(rank, clock, seq, by)


versions = st.builds(
    _version,
    rank=st.sampled_from([Rank.FILE, Rank.PARTIAL, Rank.FULL, Rank.FULL]),
    clock=st.sampled_from([_CLOCK, _CLOCK + 1, _CLOCK + 86_400_000_000]),
    seq=st.sampled_from([0, 0, 1]),
)


def _mentions(*ids: str) -> st.SearchStrategy[Mention | None]:
    return st.none() | st.builds(
        Mention, external_id=st.sampled_from(ids), name=st.sampled_from([None, "А", "Б"])
    )


_place: dict[str, Any] = {
    "location": _mentions("bar", "shop"),
    "device": _mentions("till"),
    "employee": _mentions("ann"),
}
receipts = st.lists(
    st.builds(
        drafts.Fiscal,
        fn=st.sampled_from(["1", None]),
        fd=st.sampled_from(["1", "2"]),
        total=maybe_amounts,
        printed_at=st.none() | times,
    ),
    max_size=2,
).map(tuple)
lines = st.lists(
    st.builds(
        drafts.Line,
        key=st.sampled_from([None, "k"]),
        product=_mentions("tea", "cake"),
        name=st.sampled_from([None, "Чай"]),
        sku=st.sampled_from([None, "7"]),
        category=st.sampled_from([None, "Напитки"]),
        quantity=st.sampled_from([None, Decimal("1.500000")]),
        gross=maybe_amounts,
        total=maybe_amounts,
        marking=st.sampled_from([(), ('01"\\04,{}', "x")]),
    ),
    max_size=2,
).map(tuple)
payments = st.builds(
    drafts.Payment,
    method=st.sampled_from(["cash", "card"]),
    status=st.sampled_from(["completed", "completed", "completed", "pending", "failed"]),
    amount=amounts,
    currency=currencies,
    tip=maybe_amounts,
    paid_at=st.none() | times,
    refunded_cum=maybe_amounts,
    counted_at=st.none() | times,
    customer=_mentions("zoe"),
    is_test=st.sampled_from([False, False, False, True]),
    **_place,
)
refunds = st.builds(
    drafts.Refund,
    status=st.sampled_from(["completed", "completed", "pending", "failed"]),
    total=amounts,
    currency=currencies,
    occurred_at=st.none() | times,
    provider_at=st.none() | times,
    business_date=st.none() | st.just(date(2026, 2, 27)),
    sale_external_id=st.none() | names,
    payment_external_id=st.none() | names,
    lines=st.lists(
        st.builds(drafts.RefundLine, product=_mentions("tea"), total=maybe_amounts), max_size=1
    ).map(tuple),
    payments=st.lists(payments, max_size=1).map(tuple),
    fiscal=receipts,
    anomalies=st.sampled_from([(), ("clock",)]),
    **_place,
)
headers = st.builds(
    drafts.Header,
    kind=st.sampled_from(["sale", "sale", "sale", "correction", "advance"]),
    status=st.sampled_from(["completed", "completed", "open", "voided"]),
    occurred_at=st.none() | times,
    provider_at=st.none() | times,
    business_date=st.none() | st.just(date(2026, 2, 28)),
    currency=currencies,
    is_test=st.sampled_from([False, False, False, True]),
    role=st.sampled_from(["sale", "sale", "sale", "return"]),
    tax_included=st.sampled_from([None, True, False]),
    gross_total=maybe_amounts,
    discount_total=maybe_amounts,
    tip_total=maybe_amounts,
    tax_total=maybe_amounts,
    total=maybe_amounts,
    discounts=st.lists(st.builds(drafts.Discount, amount=maybe_amounts), max_size=1).map(tuple),
    fiscal=receipts,
    anomalies=st.sampled_from([(), ("clock",), ("b", "a")]),
    **_place,
)
money = st.builds(
    drafts.Money,
    payments=st.lists(payments, max_size=2).map(tuple),
    refunds=st.lists(
        refunds.map(lambda r: replace(r, sale_external_id=None, payment_external_id=None)),
        max_size=1,
    ).map(tuple),
)
sale_drafts = st.builds(
    drafts.SaleDraft,
    external_id=names,
    version=versions,
    header=st.none() | headers,
    lines=st.none() | lines,
    money=st.none() | money,
    customer=st.none() | st.builds(drafts.CustomerLink, customer=_mentions("zoe", "eve")),
    gone=st.sampled_from([False, False, False, True]),
)
payment_drafts = st.builds(
    drafts.PaymentDraft,
    external_id=names,
    version=versions,
    sale_external_id=st.none() | names,
    content=st.none() | payments,
    gone=st.sampled_from([False, False, False, True]),
)
refund_drafts = st.builds(
    drafts.RefundDraft,
    external_id=names,
    version=versions,
    content=st.none() | refunds,
    gone=st.sampled_from([False, False, False, True]),
)
reference_drafts = st.one_of(
    st.builds(
        drafts.ReferenceDraft,
        kind=st.just(ReferenceKind.PRODUCT),
        external_id=st.just("tea"),
        version=versions,
        content=st.none()
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["Чай", "Кофе"]), "sku": st.sampled_from([None, "8"])},
            optional={"category": _mentions("c1")},
        ),
        gone=st.booleans(),
    ),
    st.builds(
        drafts.ReferenceDraft,
        kind=st.just(ReferenceKind.CUSTOMER),
        external_id=st.just("zoe"),
        version=versions,
        content=st.none() | st.fixed_dictionaries({"name": st.just("Зоя"), "phone": st.just("1")}),
        gone=st.booleans(),
    ),
)
_set_lines = st.sampled_from(
    [
        [],
        [{"name": "Рука", "gross": "10.00", "product": {"external_id": "tea"}, "marking": ["m"]}],
        [{"key": "1", "gross": "5.00", "tax": {"code": "20", "amount": "0.83"}}],
    ]
)
_sale_fields: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["open", "completed", "voided"]),
    "total": st.sampled_from(["10.00", "7.00", None]),
    "tip_total": st.sampled_from(["1.00", None]),
    "occurred_at": st.just("2026-02-20T20:00:00Z"),
    "business_date": st.sampled_from(["2026-01-01", None]),
    "currency": st.just("RUB"),
    "location": st.sampled_from(["bar", None]),
    "customer": st.sampled_from(["eve", None]),
    "shift": st.just({"id": "9", "number": "3"}),
    "discounts": st.just([{"kind": "manual", "amount": "1.00"}]),
    "lines": _set_lines,
    "deleted": st.booleans(),
}
_refund_fields: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["completed", "failed"]),
    "total": st.sampled_from(["2.00", "30.00"]),
    "occurred_at": st.just("2026-02-20T20:00:00Z"),
    "sale": names,
    "deleted": st.booleans(),
}
_product_fields: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Своё", None]),
    "category": st.sampled_from(["c2", None]),
    "deleted": st.booleans(),
}


def _fields(known: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    values = {name: value | st.just(CLEAR) for name, value in known.items()}
    return st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: values[name] for name in chosen})
    )


def _edits(source: int) -> st.SearchStrategy[drafts.Edit]:
    kinds = (
        ("sale", names, _sale_fields),
        ("refund", names, _refund_fields),
        ("product", st.just("tea"), _product_fields),
    )
    edits = [
        st.builds(
            drafts.Edit,
            kind=st.just(kind),
            source_id=st.just(source),
            external_id=ids,
            at=st.sampled_from([_CLOCK, _CLOCK + 5, _CLOCK + 9]),
            fields=_fields(known),
        )
        for kind, ids, known in kinds
    ]
    return st.one_of(edits)


def statements(universe: Universe, *, edits: bool = True) -> st.SearchStrategy[list[Stated]]:
    """Return a strategy of lists of statements and edits, each of a delivery of its own."""

    def of(source: int) -> st.SearchStrategy[Stated]:
        said: st.SearchStrategy[drafts.Draft] = st.one_of(
            sale_drafts, sale_drafts, payment_drafts, refund_drafts, reference_drafts
        )
        if edits:
            said = st.one_of(said, said, said, _edits(source))
        return st.builds(
            Stated,
            draft=said,
            account_id=st.just(universe.account),
            source_id=st.just(source),
            delivery_id=st.integers(0, 40).map(lambda n: UUID(int=n)),
            received=st.sampled_from([NOON, NOON + timedelta(minutes=1), NOON - timedelta(days=1)]),
            mapper=st.sampled_from([1, 1, 2]),
        )

    first, second = universe.sources
    return st.lists(st.one_of(of(first), of(first), of(second)), min_size=1, max_size=14)
