"""The sale: facets with their stamps, and the columns derived from them."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce

from .base import Entity, bounded, link, money, stamp

AMOUNTS = (
    "gross_total",
    "discount_total",
    "service_total",
    "delivery_total",
    "tip_total",
    "rounding_total",
    "tax_total",
    "total",
    "change_total",
    "cost_total",
    "paid_total",
    "refunded_total",
    "net_total",
)


class Kind(models.TextChoices):
    SALE = "sale", "продажа"
    PREPAYMENT = "prepayment", "предоплата"
    ADVANCE = "advance", "аванс"
    CREDIT_PAYMENT = "credit_payment", "оплата кредита"
    CORRECTION = "correction", "коррекция"
    DEAL = "deal", "сделка"
    OTHER = "other", "прочее"


class Status(models.TextChoices):
    OPEN = "open", "открыта"
    COMPLETED = "completed", "завершена"
    PARTIALLY_REFUNDED = "partially_refunded", "частично возвращена"
    REFUNDED = "refunded", "возвращена"
    VOIDED = "voided", "аннулирована"


class Channel(models.TextChoices):
    POS = "pos", "касса"
    ONLINE = "online", "онлайн"
    DELIVERY = "delivery", "доставка"
    CRM = "crm", "CRM"
    OTHER = "other", "прочее"


class Known(models.TextChoices):
    STATED = "stated", "по документу"
    IMPLIED = "implied", "по оплатам"
    STUB = "stub", "только упомянута"


def _zero(name: str) -> Coalesce:
    return Coalesce(name, models.Value(0), output_field=models.DecimalField())


#: total − what its own parts give; null where the document states no parts (``sale.md``).
_GAP = models.Case(
    models.When(
        models.Q(gross_total__isnull=True) | models.Q(total__isnull=True), then=models.Value(None)
    ),
    default=models.F("total")
    - models.F("gross_total")
    + _zero("discount_total")
    - _zero("service_total")
    - _zero("delivery_total")
    - _zero("tip_total")
    - _zero("rounding_total")
    - models.Case(
        models.When(tax_included=True, then=models.Value(0)),
        default=_zero("tax_total"),
        output_field=models.DecimalField(),
    ),
    output_field=models.DecimalField(max_digits=19, decimal_places=4),
)


class Sale(Entity):
    """What we believe of one sale. Nothing but ``recording.py`` writes it."""

    header_stamp = stamp()
    lines_stamp = stamp()
    money_stamp = stamp()
    customer_stamp = stamp()

    # The facet "header".
    kind = models.CharField("вид", max_length=16, choices=Kind, db_default="sale")
    stated_status = models.CharField(max_length=16, db_default="")
    role = models.CharField("роль", max_length=8, db_default="sale")
    number = models.TextField("номер", null=True)
    occurred_at = models.DateTimeField("время", null=True)
    provider_at = models.DateTimeField("время источника", null=True)
    utc_offset = models.SmallIntegerField("смещение, мин", null=True)
    stated_date = models.DateField(null=True)
    currency = models.CharField("валюта", max_length=3, null=True)
    location: Any = link("sales.Location", "точка")
    device: Any = link("sales.Device", "касса")
    employee: Any = link("sales.Employee", "сотрудник")
    shift_id = models.TextField("смена", null=True)
    shift_number = models.TextField("номер смены", null=True)
    channel = models.CharField("канал", max_length=16, choices=Channel, db_default="pos")
    stated_test = models.BooleanField(db_default=False)
    tax_included = models.BooleanField("налог в цене", null=True)
    gross_total = money("до скидок")
    discount_total = money("скидки")
    service_total = money("обслуживание")
    delivery_total = money("доставка")
    tip_total = money("чаевые")
    rounding_total = money("округление")
    tax_total = money("налог")
    stated_total = money("итог документа")
    change_total = money("сдача")
    cost_total = money("себестоимость")
    discounts = models.JSONField("скидки", db_default=[])
    stated_anomalies = ArrayField(models.TextField(), db_default=[])
    ordered_by = models.CharField("порядок по", max_length=8, db_default="provider")

    # The facet "customer".
    customer: Any = link("sales.Customer", "клиент")

    # Derived, under locks, in a statement of their own.
    total = money("итого")
    paid_total = money("оплачено")
    refunded_total = money("возвращено")
    net_total = money("чистая сумма")
    status = models.CharField("состояние", max_length=24, choices=Status, db_default="open")
    business_date = models.DateField("день", null=True)
    known = models.CharField("известна", max_length=8, choices=Known, db_default="stub")
    #: Stated so, or its source is a test.
    is_test = models.BooleanField("тестовая", db_default=False)
    counts = models.BooleanField("считается", db_default=False)
    mirror_of = models.UUIDField("повторяет", null=True)
    anomalies = ArrayField(models.TextField(), db_default=[])
    #: In lists and sums: not a stub, not deleted, not a return.
    visible = models.BooleanField(db_default=False)
    money_gap = models.GeneratedField(
        expression=_GAP,
        output_field=models.DecimalField(max_digits=19, decimal_places=4),
        db_persist=True,
    )

    deliveries = ArrayField(models.UUIDField(), db_default=[])
    mapper = models.SmallIntegerField("версия разбора", db_default=0)

    class Meta:
        verbose_name = "продажа"
        verbose_name_plural = "продажи"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "external_id"], name="sales_sale_once"
            ),
            bounded("sales_sale", AMOUNTS),
        )
        indexes = (
            models.Index(
                fields=["account", "-occurred_at", "-id"],
                condition=models.Q(visible=True),
                name="sales_sale_list",
            ),
            models.Index(fields=["account", "updated_at", "id"], name="sales_sale_updated"),
            models.Index(
                fields=["account", "business_date"],
                condition=models.Q(visible=True),
                name="sales_sale_day",
            ),
        )
