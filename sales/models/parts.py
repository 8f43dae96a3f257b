"""Lines, payments, refunds and fiscal receipts of a sale."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account

from .base import Entity, bounded, fine, link, money, stamp


class SaleLine(models.Model):
    """One position as it stood at the moment of sale: renaming a product changes no history."""

    pk = models.CompositePrimaryKey("sale_id", "pos")
    sale_id = models.UUIDField()
    pos = models.IntegerField()
    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    stamp = stamp()
    key = models.TextField(null=True)
    parent_key = models.TextField(null=True)
    kind = models.CharField(max_length=16, db_default="good")
    product: Any = link("sales.Product", "товар")
    product_external_id = models.TextField(null=True)
    name = models.TextField(null=True)
    sku = models.TextField(null=True)
    barcode = models.TextField(null=True)
    category = models.TextField(null=True)
    unit = models.TextField(null=True)
    quantity = fine("количество")
    unit_price = fine("цена")
    gross = money("до скидок")
    discount = money("скидка")
    total = money("итого")
    tax_code = models.CharField(max_length=8, null=True)
    tax_rate = models.DecimalField(max_digits=15, decimal_places=10, null=True)
    tax_amount = money("налог")
    tax_included = models.BooleanField(null=True)
    unit_cost = fine("себестоимость единицы")
    cost = money("себестоимость")
    settlement_method = models.TextField(null=True)
    subject = models.TextField(null=True)
    marking = ArrayField(models.TextField(), db_default=[])

    class Meta:
        verbose_name = "позиция"
        verbose_name_plural = "позиции"
        constraints = (bounded("sales_line", ("gross", "discount", "total", "tax_amount", "cost")),)

    def __str__(self) -> str:
        return f"{self.pos}. {self.name or self.product_external_id or ''}"


class Payment(Entity):
    """A payment. *Owned* ones live and die with their sale's facet ``money``."""

    sale: Any = link("sales.Sale", "продажа")
    owned = models.BooleanField(db_default=False)
    pos = models.IntegerField(db_default=0)
    content_stamp = stamp()
    method = models.CharField("способ", max_length=16, db_default="other")
    provider_method = models.TextField("способ источника", null=True)
    status = models.CharField("состояние", max_length=16, db_default="pending")
    amount = money("сумма")
    currency = models.CharField("валюта", max_length=3, null=True)
    tip = money("чаевые")
    tendered = money("внесено")
    change = money("сдача")
    paid_at = models.DateTimeField("оплачено", null=True)
    last4 = models.CharField("карта", max_length=4, null=True)
    rrn = models.TextField("RRN", null=True)
    fee = money("комиссия")
    #: A provider's counter: what went back in all, and as of when (``docs/merge-rule.md``).
    refunded_cum = money("возвращено всего")
    counted_at = models.DateTimeField("счётчик на", null=True)
    location: Any = link("sales.Location", "точка")
    device: Any = link("sales.Device", "касса")
    employee: Any = link("sales.Employee", "сотрудник")
    customer: Any = link("sales.Customer", "клиент")
    is_test = models.BooleanField("тестовая", db_default=False)

    class Meta:
        verbose_name = "оплата"
        verbose_name_plural = "оплаты"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "external_id"],
                condition=models.Q(owned=False),
                name="sales_payment_once",
            ),
            bounded("sales_payment", ("amount", "tip", "tendered", "change", "fee")),
        )
        indexes = (models.Index(fields=["sale"], name="sales_payment_sale"),)


class Refund(Entity):
    """A refund, a record of its own. ``sale`` is derived: its own link, or its payment's sale."""

    owned = models.BooleanField(db_default=False)
    pos = models.IntegerField(db_default=0)
    content_stamp = stamp()
    link_sale_id = models.UUIDField(null=True)
    link_payment_id = models.UUIDField(null=True)
    sale: Any = link("sales.Sale", "продажа")
    sale_external_id = models.TextField("код продажи", null=True)
    kind = models.CharField("вид", max_length=16, db_default="refund")
    number = models.TextField("номер", null=True)
    status = models.CharField("состояние", max_length=16, db_default="pending")
    occurred_at = models.DateTimeField("время", null=True)
    provider_at = models.DateTimeField("время источника", null=True)
    stated_date = models.DateField(null=True)
    business_date = models.DateField("день", null=True)
    currency = models.CharField("валюта", max_length=3, null=True)
    total = money("итого")
    tax_total = money("налог")
    tip_total = money("чаевые")
    lines = models.JSONField("позиции", db_default=[])
    payments = models.JSONField("оплаты", db_default=[])
    location: Any = link("sales.Location", "точка")
    device: Any = link("sales.Device", "касса")
    employee: Any = link("sales.Employee", "сотрудник")
    shift_id = models.TextField("смена", null=True)
    shift_number = models.TextField("номер смены", null=True)
    reason = models.TextField("причина", null=True)
    stated_test = models.BooleanField(db_default=False)
    is_test = models.BooleanField("тестовый", db_default=False)
    stated_anomalies = ArrayField(models.TextField(), db_default=[])
    ordered_by = models.CharField("порядок по", max_length=8, db_default="provider")
    #: In lists and sums: stated and not deleted.
    visible = models.BooleanField(db_default=False)
    #: The refund of another source with the same receipt that counts instead.
    mirror_of = models.UUIDField("повторяет", null=True)
    deliveries = ArrayField(models.UUIDField(), db_default=[])
    mapper = models.SmallIntegerField("версия разбора", db_default=0)

    class Meta:
        verbose_name = "возврат"
        verbose_name_plural = "возвраты"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "external_id"],
                condition=models.Q(owned=False),
                name="sales_refund_once",
            ),
            bounded("sales_refund", ("total", "tax_total", "tip_total")),
        )
        indexes = (
            models.Index(fields=["sale"], name="sales_refund_sale"),
            models.Index(
                fields=["link_payment_id"],
                condition=models.Q(link_payment_id__isnull=False),
                name="sales_refund_payment",
            ),
            models.Index(
                fields=["account", "-occurred_at", "-id"],
                condition=models.Q(visible=True),
                name="sales_refund_list",
            ),
            models.Index(fields=["account", "updated_at", "id"], name="sales_refund_updated"),
        )


class Fiscal(models.Model):
    """One printed fiscal receipt of a sale or a refund; (fn, fd) is how mirrors are found."""

    pk = models.CompositePrimaryKey("owner_id", "pos")
    owner_id = models.UUIDField()
    pos = models.IntegerField()
    owner_kind = models.CharField(max_length=8)
    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    stamp = stamp()
    fn = models.TextField(null=True)
    fd = models.TextField(null=True)
    fp = models.TextField(null=True)
    kkt_reg = models.TextField(null=True)
    kkt_serial = models.TextField(null=True)
    shift = models.TextField(null=True)
    receipt_no = models.TextField(null=True)
    printed_at = models.DateTimeField(null=True)
    operation = models.SmallIntegerField(null=True)
    correction = models.BooleanField(null=True)
    tax_system = models.TextField(null=True)
    total = money("итого")
    ofd = models.TextField(null=True)

    class Meta:
        verbose_name = "фискальный чек"
        verbose_name_plural = "фискальные чеки"
        indexes = (models.Index(fields=["account", "fn", "fd"], name="sales_fiscal_receipt"),)

    def __str__(self) -> str:
        return f"ФН {self.fn} ФД {self.fd}"
