"""The tables of entities, as data: facets, their columns, and the statements made from them.

The statements are the same for any number of rows. A facet's columns change only where its stamp
is the greater one; ``updated_at`` only where something changes.
"""

from dataclasses import dataclass, field
from functools import cached_property

from ..hand import FIELDS, LINES
from .arrays import cast
from .days import BROKEN, DAY, SETTINGS

Columns = tuple[tuple[str, str], ...]


def _columns(kind: str, names: str) -> Columns:
    return tuple((name, kind) for name in names.split())


@dataclass(frozen=True)
class Facet:
    """``columns`` are (name, SQL type); ``blank`` are their values where it is not stated."""

    name: str
    columns: Columns = ()
    blank: tuple[object, ...] = ()

    @property
    def stamp(self) -> str:
        return f"{self.name}_stamp"


#: Of every entity's row, before its stamps and facets.
_HEAD: Columns = (
    ("id", "uuid"),
    ("account_id", "int8"),
    ("source_id", "int8"),
    ("external_id", "text"),
    ("received_at", "timestamptz"),
    ("ties", "int2"),
)
#: Keeps the last 50 deliveries that changed something.
_PROVENANCE = """CASE WHEN s.deliveries @> e.deliveries::uuid[] THEN s.deliveries
  ELSE (s.deliveries || e.deliveries::uuid[])
    [GREATEST(1, cardinality(s.deliveries) + cardinality(e.deliveries::uuid[]) - 49):] END"""


@dataclass(frozen=True)
class Table:
    """One kind of entity. The first facet is its content; ``gone`` is compared to that."""

    kind: str
    name: str
    facets: tuple[Facet, ...]
    provenance: bool = False
    #: Read under the lock besides: the parent that a part had.
    parent: str = "NULL::uuid"
    #: Facet → fields of ``base`` that its new value replaces.
    under: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Derived columns as they are where the row is new and has no parts but its own: written at
    #: once, because the deriving statement would write every new row a second time.
    first: dict[str, str] = field(default_factory=dict)
    #: Of these, the ones that the client sums.
    sums: tuple[str, ...] = ()
    #: ``deleted`` is decided here; False where a later statement derives it.
    buries: bool = True

    @cached_property
    def columns(self) -> Columns:
        """All columns that are sent, in their order."""
        extra = (("deliveries", "text"),) if self.provenance else ()
        stamps = tuple((facet.stamp, "bytea") for facet in self.facets)
        return (
            *_HEAD, *extra, *stamps, *(column for facet in self.facets for column in facet.columns)
        )  # fmt: skip

    @cached_property
    def types(self) -> list[str]:
        """The SQL types of ``columns``."""
        return [kind for _, kind in self.columns]

    @cached_property
    def source(self) -> str:
        """The rows sent, as a table ``e``."""
        names = ", ".join(name for name, _ in self.columns)
        return f"unnest({', '.join(['%b'] * len(self.columns))}) AS e({names})"

    @property
    def _gone(self) -> str:
        content = self.facets[0].stamp
        return "{gone} <> '' AND substring({gone} FOR 17) >= substring({content} FOR 17)".replace(
            "{gone}", "GREATEST(s.gone_stamp, e.gone_stamp)"
        ).replace("{content}", f"GREATEST(s.{content}, e.{content})")

    @cached_property
    def insert(self) -> str:
        """Insert rows that are not there, in the order of ids; return the ids of these."""
        sent = (*self.columns, *((name, "numeric") for name in self.sums))
        typed = ", ".join(f"{_typed(name, kind)} AS {name}" for name, kind in sent)
        names = ", ".join(name for name, _ in sent)
        buried = {"deleted": self._gone.replace("s.", "e.")} if self.buries else {}
        more = {**buried, **self.first, "updated_at": "clock_timestamp()"}
        return (
            f"INSERT INTO {self.name} ({names}, {', '.join(more)})"
            f" SELECT e.*, {', '.join(more.values())} FROM (SELECT {typed}"
            f" FROM unnest({', '.join(['%b'] * len(sent))}) AS e({names})) e"
            f" {SETTINGS.format(row='e', place='e') if self.first else ''}"
            " ORDER BY e.id ON CONFLICT DO NOTHING RETURNING id"
        )

    @cached_property
    def read(self) -> str:
        """Read the state of rows that are there, without a lock."""
        stamps = ", ".join(facet.stamp for facet in self.facets)
        return (
            f"SELECT id, received_at, ties, {self.parent}, hand <> '{{}}', {stamps}"
            f" FROM {self.name} WHERE id = ANY(%b)"
        )

    @cached_property
    def lock(self) -> str:
        """Read it under locks that are taken in the order of ids."""
        return f"{self.read} ORDER BY id FOR UPDATE"

    def _ties(self, index: int, facet: Facet) -> str:
        bit, stamp = 1 << index, facet.stamp
        return (
            f"(CASE WHEN e.{stamp} <> '' AND substring(e.{stamp} FOR 19)"
            f" = substring(s.{stamp} FOR 19) THEN (s.ties | e.ties::int2) & {bit}"
            f" | CASE WHEN e.{stamp} <> s.{stamp} AND get_byte(e.{stamp}, 0) > 5"
            f" THEN {bit} ELSE 0 END"
            f" WHEN e.{stamp} > s.{stamp} THEN e.ties::int2 & {bit} ELSE s.ties & {bit} END)"
        )

    @cached_property
    def name_deliveries(self) -> str:
        """Name deliveries that changed a row by another way than its own facets."""
        return (
            f"UPDATE {self.name} s SET deliveries = {_PROVENANCE}, updated_at = clock_timestamp()"
            " FROM unnest(%b, %b) AS e(id, deliveries) WHERE s.id = e.id"
            " AND NOT s.deliveries @> e.deliveries::uuid[] RETURNING s.id"
        )

    @cached_property
    def update(self) -> str:
        """Let greater stamps win, facet by facet; return the ids of rows that changed."""
        ties = " | ".join(self._ties(index, facet) for index, facet in enumerate(self.facets))
        sets = [
            f"ties = {ties}",
            "received_at = LEAST(s.received_at, e.received_at::timestamptz)",
            "updated_at = clock_timestamp()",
            *(f"{f.stamp} = GREATEST(s.{f.stamp}, e.{f.stamp})" for f in self.facets),
            *(
                f"{name} = CASE WHEN e.{facet.stamp} > s.{facet.stamp}"
                f" THEN {cast(f'e.{name}', kind)} ELSE s.{name} END"
                for facet in self.facets
                for name, kind in facet.columns
            ),
        ]
        if self.provenance:
            sets.append(f"deliveries = {_PROVENANCE}")
        if self.buries:
            sets.append(f"deleted = {self._gone}")
        if self.under:
            sets.append(f"base = {self._base}")
        wins = " OR ".join(f"e.{f.stamp} > s.{f.stamp}" for f in self.facets)
        return (
            f"UPDATE {self.name} s SET {', '.join(sets)} FROM {self.source} WHERE s.id = e.id"
            f" AND ({wins} OR e.received_at::timestamptz < s.received_at OR s.ties <> {ties})"
            " RETURNING s.id"
        )

    @property
    def _base(self) -> str:
        taken = "".join(
            f" - CASE WHEN e.{facet}_stamp > s.{facet}_stamp THEN '{{{','.join(fields)}}}'::text[]"
            " ELSE '{}'::text[] END"
            for facet, fields in self.under.items()
        )
        return f"s.base{taken}"


def _typed(name: str, kind: str) -> str:
    return "e.deliveries::uuid[]" if name == "deliveries" else cast(f"e.{name}", kind)


_SALE_HEADER = Facet(
    "header",
    (
        *_columns("text", "kind stated_status role number"),
        *_columns("timestamptz", "occurred_at provider_at"),
        ("utc_offset", "int2"),
        ("stated_date", "date"),
        ("currency", "text"),
        *_columns("uuid", "location_id device_id employee_id"),
        *_columns("text", "shift_id shift_number channel"),
        *_columns("boolean", "stated_test tax_included"),
        *_columns(
            "numeric",
            "gross_total discount_total service_total delivery_total tip_total rounding_total "
            "tax_total stated_total change_total cost_total",
        ),
        ("discounts", "jsonb"),
        ("stated_anomalies", "text[]"),
        ("ordered_by", "text"),
        ("mapper", "int2"),
    ),
    ("sale", "", "sale", *[None] * 11, "pos", False, *[None] * 11, "[]", "{}", "provider", 0),
)
_PAYMENT = Facet(
    "content",
    (
        *_columns("uuid", "sale_id"),
        *_columns("text", "method provider_method status"),
        ("amount", "numeric"),
        ("currency", "text"),
        *_columns("numeric", "tip tendered change"),
        ("paid_at", "timestamptz"),
        *_columns("text", "last4 rrn"),
        *_columns("numeric", "fee refunded_cum"),
        ("counted_at", "timestamptz"),
        *_columns("uuid", "location_id device_id employee_id customer_id"),
        ("is_test", "boolean"),
    ),
    (None, "other", None, "pending", *[None] * 15, False),
)
_REFUND = Facet(
    "content",
    (
        *_columns("uuid", "link_sale_id link_payment_id"),
        *_columns("text", "sale_external_id kind number status"),
        *_columns("timestamptz", "occurred_at provider_at"),
        ("stated_date", "date"),
        ("currency", "text"),
        *_columns("numeric", "total tax_total tip_total"),
        *_columns("jsonb", "lines payments"),
        *_columns("uuid", "location_id device_id employee_id"),
        *_columns("text", "shift_id shift_number reason"),
        ("stated_test", "boolean"),
        ("stated_anomalies", "text[]"),
        ("ordered_by", "text"),
        ("mapper", "int2"),
    ),
    (
        *(None, None, None, "refund", None, "pending", *[None] * 7),
        *("[]", "[]", *[None] * 6, False, "{}", "provider", 0),
    ),
)
_GONE = Facet("gone")

_STATED = "e.header_stamp <> ''"
_VISIBLE = f"{_STATED} AND e.gone_stamp = '' AND e.role = 'sale'"
_TEST = "e.stated_test OR COALESCE(src.is_test, false)"
_DAY = DAY.format(row="e", time="e.occurred_at", broken=BROKEN.format(row="e"))

SALE = Table(
    "sale",
    "sales_sale",
    (
        _SALE_HEADER,
        Facet("lines"),
        Facet("money"),
        Facet("customer", _columns("uuid", "customer_id"), (None,)),
        _GONE,
    ),
    provenance=True,
    under={
        "header": tuple(sorted({*FIELDS["sale"]} - {"customer"})),
        "lines": (LINES,),
        "customer": ("customer",),
    },
    buries=False,
    first={
        "total": "e.stated_total",
        "refunded_total": "0",
        "net_total": "CASE WHEN e.stated_status = 'voided' THEN 0 ELSE e.stated_total END",
        "status": "COALESCE(NULLIF(e.stated_status, ''), 'open')",
        "known": f"CASE WHEN {_STATED} THEN 'stated' ELSE 'stub' END",
        "visible": _VISIBLE,
        "is_test": _TEST,
        "counts": f"{_VISIBLE} AND NOT ({_TEST}) AND e.kind IN ('sale', 'correction')"
        " AND e.stated_status <> 'voided'",
        "anomalies": "e.stated_anomalies",
        "business_date": f"CASE WHEN {_STATED} THEN {_DAY} END",
    },
    sums=("paid_total",),
)
PAYMENT = Table("payment", "sales_payment", (_PAYMENT, _GONE), parent="sale_id")
REFUND = Table(
    "refund",
    "sales_refund",
    (_REFUND, _GONE),
    provenance=True,
    parent="sale_id",
    under={"content": tuple(sorted(FIELDS["refund"]))},
    buries=False,
)


def _reference(kind: str, columns: Columns) -> Table:
    content = Facet("content", (("name", "text"), *columns), (None,) * (len(columns) + 1))
    fields = tuple(sorted({*FIELDS[kind]} - {"same_as"}))
    return Table(kind, f"sales_{kind}", (content, _GONE), under={"content": fields})


#: In the order in which they are locked.
REFERENCES = {
    kind: _reference(kind, columns)
    for kind, columns in {
        "category": (),
        "customer": _columns("text", "phone email"),
        "device": (),
        "employee": (),
        "location": _columns("text", "address"),
        "product": (*_columns("text", "sku barcode unit"), ("category_id", "uuid")),
    }.items()
}

_LINE: Columns = (
    ("sale_id", "uuid"),
    ("pos", "int4"),
    ("account_id", "int8"),
    ("stamp", "bytea"),
    *_columns("text", "key parent_key kind"),
    ("product_id", "uuid"),
    *_columns("text", "product_external_id name sku barcode category unit"),
    *_columns("numeric", "quantity unit_price gross discount total"),
    ("tax_code", "text"),
    *_columns("numeric", "tax_rate tax_amount"),
    ("tax_included", "boolean"),
    *_columns("numeric", "unit_cost cost"),
    *_columns("text", "settlement_method subject"),
    ("marking", "text[]"),
)
_FISCAL: Columns = (
    ("owner_id", "uuid"),
    ("pos", "int4"),
    ("owner_kind", "text"),
    ("account_id", "int8"),
    ("stamp", "bytea"),
    *_columns("text", "fn fd fp kkt_reg kkt_serial shift receipt_no"),
    ("printed_at", "timestamptz"),
    ("operation", "int2"),
    ("correction", "boolean"),
    ("tax_system", "text"),
    ("total", "numeric"),
    ("ofd", "text"),
)
_OWNED: Columns = (
    *_HEAD[:5],
    ("owned", "boolean"),
    ("pos", "int4"),
    ("content_stamp", "bytea"),
)


@dataclass(frozen=True)
class Parts:
    """Rows that are replaced whole."""

    name: str
    columns: Columns

    @cached_property
    def insert(self) -> str:
        """Insert rows; what is there already stays."""
        names = ", ".join(name for name, _ in self.columns)
        values = ", ".join(cast(f"e.{name}", kind) for name, kind in self.columns)
        return (
            f"INSERT INTO {self.name} ({names}) SELECT {values}"
            f" FROM unnest({', '.join(['%b'] * len(self.columns))}) AS e({names})"
            " ON CONFLICT DO NOTHING"
        )

    @cached_property
    def types(self) -> list[str]:
        """The SQL types of ``columns``."""
        return [kind for _, kind in self.columns]


LINE = Parts("sales_saleline", _LINE)
FISCAL = Parts("sales_fiscal", _FISCAL)
OWNED_PAYMENT = Parts("sales_payment", (*_OWNED, *_PAYMENT.columns))
OWNED_REFUND = Parts("sales_refund", (*_OWNED, ("deliveries", "uuid[]"), *_REFUND.columns))
