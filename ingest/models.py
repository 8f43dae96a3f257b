"""What is heard and how it is proven: endpoints, secrets, staging and the inbox.

Rows of ``Delivery`` and ``Inbox`` are written by SQL in ``staging.py`` alone; the models read.
"""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, Source


class SourceEndpoint(models.Model):
    """The secret address of a source. Found by the token's sha256, shown by decrypting it."""

    account = models.ForeignKey(Account, models.CASCADE, verbose_name="аккаунт")
    source = models.ForeignKey(Source, models.CASCADE, verbose_name="источник")
    token_hash = models.BinaryField(max_length=32, unique=True)
    token_encrypted = models.BinaryField()
    created_at = models.DateTimeField("создан", db_default=Now())
    valid_until = models.DateTimeField("действует до", null=True, blank=True)

    class Meta:
        verbose_name = "адрес приёма"
        verbose_name_plural = "адреса приёма"

    def __str__(self) -> str:
        return f"{self.source} #{self.pk}"


class SourceSecret(models.Model):
    """A secret of a source, encrypted. Several are valid at once while one is being rotated."""

    account = models.ForeignKey(Account, models.CASCADE, verbose_name="аккаунт")
    source = models.ForeignKey(Source, models.CASCADE, verbose_name="источник")
    kind = models.CharField("вид", max_length=16, default="signing")
    value_encrypted = models.BinaryField()
    created_at = models.DateTimeField("создан", db_default=Now())
    valid_from = models.DateTimeField("действует с", db_default=Now())
    valid_until = models.DateTimeField("действует до", null=True, blank=True)

    class Meta:
        verbose_name = "секрет"
        verbose_name_plural = "секреты"

    def __str__(self) -> str:
        return f"{self.source} #{self.pk} ({self.kind})"


class Origin(models.TextChoices):
    PUSH = "push", "прислано"
    FETCHED = "fetched", "запрошено"
    BACKFILL = "backfill", "загружено"
    FILE = "file", "файл"
    MANUAL = "manual", "вручную"
    ROUTED = "routed", "от приложения"


class Delivery(models.Model):
    """One verified HTTP request, byte for byte. Append-only; partitioned by its id (UUIDv7)."""

    id = models.UUIDField(primary_key=True, editable=False)
    received_at = models.DateTimeField("получено", db_default=Now())
    account = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, verbose_name="аккаунт"
    )
    source = models.ForeignKey(
        Source, models.PROTECT, db_constraint=False, db_index=False, verbose_name="источник"
    )
    origin = models.CharField("происхождение", max_length=16, choices=Origin, default="push")
    method = models.TextField("метод")
    path = models.TextField("путь", default="")
    query = models.BinaryField("запрос", default=b"")
    content_type = models.TextField("тип", default="")
    headers = models.BinaryField("заголовки")
    body = models.BinaryField("тело")
    sha256 = models.BinaryField("sha256 полученного", max_length=32)
    redacted = models.TextField("вырезано", default="")
    read_at = models.DateTimeField("прочитано", null=True)
    date = models.DateTimeField("дата ответа", null=True)
    over = models.BigIntegerField("поверх", null=True)
    cause = models.UUIDField("причина", null=True)

    class Meta:
        verbose_name = "доставка"
        verbose_name_plural = "доставки"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["source", "id"], name="ingest_delivery_source"),
            # The first receipt of an event is looked up by its content (merge.md, section 1).
            models.Index(fields=["source", "sha256"], name="ingest_delivery_content"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Inbox(models.Model):
    """An unfinished delivery: the queue of record. ``due_at`` is lease and not-before in one."""

    # No index on what an update changes: every update stays within its page (HOT).
    delivery = models.OneToOneField(
        Delivery, models.DO_NOTHING, primary_key=True, db_constraint=False, verbose_name="доставка"
    )
    account = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, verbose_name="аккаунт"
    )
    source = models.ForeignKey(
        Source, models.PROTECT, db_constraint=False, db_index=False, verbose_name="источник"
    )
    attempts = models.SmallIntegerField("попыток", db_default=0)
    due_at = models.DateTimeField("не раньше", db_default=Now())
    last_error = models.TextField("последняя ошибка", null=True)

    class Meta:
        verbose_name = "ожидающая доставка"
        verbose_name_plural = "ожидающие доставки"
        indexes = (models.Index(fields=["account", "delivery"], name="ingest_inbox_turns"),)

    def __str__(self) -> str:
        return str(self.pk)


class Rejection(models.Model):
    """A delivery that proved nothing, kept for a while so that ``doctor`` can say why.

    Written by ``keep_rejection()`` alone: at most 50 of a source, 2 000 in all, for 7 days.
    ``sealed`` is what came, encrypted, without credentials; empty of a body beyond 64 KB.
    """

    account = models.ForeignKey(Account, models.CASCADE, db_index=False, verbose_name="аккаунт")
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, verbose_name="источник")
    at = models.DateTimeField("получено", db_default=Now())
    reason = models.TextField("причина")
    detail = models.TextField("подробность")
    address = models.TextField("с адреса")
    method = models.TextField("метод")
    path = models.TextField("путь")
    sealed = models.BinaryField("присланное, зашифровано")
    size = models.BigIntegerField("байт тела")
    sha256 = models.BinaryField("sha256 присланного", max_length=32)

    class Meta:
        verbose_name = "отклонённая доставка"
        verbose_name_plural = "отклонённые доставки"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["source", "id"], name="ingest_rejection_source"),
            models.Index(fields=["at"], name="ingest_rejection_at"),
        )

    def __str__(self) -> str:
        return f"{self.reason} #{self.pk}"


class Brought(models.Model):
    """A secret that a delivery brought for a merchant of its source, cut from the delivery.

    Written by ``stage_bringing()`` with the delivery, read by ``brought_secrets()``; never changed:
    which one holds follows from them all.
    """

    account = models.ForeignKey(Account, models.CASCADE, db_index=False, verbose_name="аккаунт")
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, verbose_name="источник")
    delivery_id = models.UUIDField("доставка", unique=True)
    merchant = models.TextField("аккаунт у провайдера")
    sha256 = models.BinaryField("sha256 полученного", max_length=32)
    value_encrypted = models.BinaryField()
    received_at = models.DateTimeField("получено", db_default=Now())

    class Meta:
        verbose_name = "присланный секрет"
        verbose_name_plural = "присланные секреты"
        indexes = (models.Index(fields=["source", "merchant"], name="ingest_brought_merchant"),)

    def __str__(self) -> str:
        return f"{self.source} #{self.pk} ({self.merchant})"
