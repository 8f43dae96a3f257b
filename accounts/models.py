"""Users, accounts (one business each), tokens, and sources: the identity of a connection."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

#: The code of the one account whose tills are played.
DEMO = "demo"


class User(AbstractUser):
    """A person. What one may see follows from memberships, never from the user alone."""


class Account(models.Model):
    """One business. Every row of the product belongs to exactly one."""

    slug = models.SlugField("код", max_length=64, unique=True)
    title = models.CharField("название", max_length=200)
    timezone = models.CharField("часовой пояс", max_length=64, default="Europe/Moscow")
    is_test = models.BooleanField("тестовый", default=False)
    created_at = models.DateTimeField("создан", db_default=Now())

    class Meta:
        verbose_name = "аккаунт"
        verbose_name_plural = "аккаунты"

    def __str__(self) -> str:
        return self.title or self.slug

    @property
    def is_demo(self) -> bool:
        """Say whether this is the account of the demonstration, and nobody's own."""
        return self.is_test and self.slug == DEMO


class Role(models.TextChoices):
    """What a member or a token may do: an analyst only reads."""

    OWNER = "owner", "владелец"
    EDITOR = "editor", "редактор"
    ANALYST = "analyst", "аналитик"


class Membership(models.Model):
    user = models.ForeignKey(User, models.CASCADE, verbose_name="пользователь")
    account = models.ForeignKey(Account, models.CASCADE, verbose_name="аккаунт")
    role = models.CharField("роль", max_length=16, choices=Role)

    class Meta:
        verbose_name = "участие"
        verbose_name_plural = "участия"
        constraints = (
            models.UniqueConstraint(fields=["account", "user"], name="accounts_membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} · {self.account} · {self.role}"


class ApiToken(models.Model):
    """A bearer token of an account. Only its sha256 is kept; the first characters name it."""

    account = models.ForeignKey(Account, models.CASCADE, verbose_name="аккаунт")
    role = models.CharField("роль", max_length=16, choices=Role)
    title = models.CharField("название", max_length=200, blank=True)
    prefix = models.CharField("начало", max_length=16)
    hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField("создан", db_default=Now())
    expires_at = models.DateTimeField("действует до", null=True, blank=True)
    revoked_at = models.DateTimeField("отозван", null=True, blank=True)

    class Meta:
        verbose_name = "токен"
        verbose_name_plural = "токены"

    def __str__(self) -> str:
        return f"{self.prefix}… {self.title}".strip()


class IdempotencyKey(models.Model):
    """What a POST with this ``Idempotency-Key`` made; kept for two days."""

    account = models.ForeignKey(
        Account, models.CASCADE, db_index=False, verbose_name="аккаунт", related_name="+"
    )
    key = models.CharField("ключ", max_length=255)
    sha256 = models.BinaryField("содержание", max_length=32)
    object_id = models.UUIDField("запись", null=True)
    created_at = models.DateTimeField("создан", db_default=Now())

    class Meta:
        verbose_name = "ключ повтора"
        verbose_name_plural = "ключи повтора"
        constraints = (
            models.UniqueConstraint(fields=["account", "key"], name="accounts_idempotency_once"),
        )

    def __str__(self) -> str:
        return self.key


class SourceState(models.TextChoices):
    ACTIVE = "active", "работает"
    PAUSED = "paused", "приостановлен"  # stages, does not settle
    NEEDS_SECRET = "needs_secret", "ждёт секрета"
    DISABLED = "disabled", "отключён"


class Source(models.Model):
    """One configured connection of a provider: who tells us, in which currency and zone."""

    account = models.ForeignKey(Account, models.CASCADE, verbose_name="аккаунт")
    provider = models.CharField(
        "провайдер", max_length=32, validators=[RegexValidator(r"^[a-z0-9_]+$")]
    )
    title = models.CharField("название", max_length=200)
    state = models.CharField("состояние", max_length=16, choices=SourceState, default="active")
    currency = models.CharField("валюта", max_length=3, default="RUB")
    timezone = models.CharField("часовой пояс", max_length=64, blank=True)
    public_url = models.CharField("публичный адрес", max_length=500, blank=True)
    location = models.CharField("точка по умолчанию", max_length=200, blank=True)
    prices_include_tax = models.BooleanField("цены с налогом", null=True, blank=True)
    priority = models.SmallIntegerField("приоритет", default=0)
    is_test = models.BooleanField("тестовый", default=False)
    settings = models.JSONField("прочие настройки", default=dict, blank=True)
    #: An app: one address and secret for many merchants, each a source of its own below it.
    is_app = models.BooleanField("приложение", db_default=False, default=False)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, verbose_name="приложение"
    )
    merchant = models.CharField(
        "аккаунт у провайдера",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    created_at = models.DateTimeField("создан", db_default=Now())

    class Meta:
        verbose_name = "источник"
        verbose_name_plural = "источники"
        indexes = (models.Index(fields=["account", "provider"], name="accounts_source_provider"),)
        constraints = (
            models.UniqueConstraint(
                fields=["parent", "merchant"], name="accounts_source_merchant_once"
            ),
            models.CheckConstraint(
                name="accounts_source_kind",
                condition=models.Q(parent=None, merchant="")
                | (models.Q(parent__isnull=False, is_app=False) & ~models.Q(merchant="")),
            ),
        )

    def __str__(self) -> str:
        return self.title or self.provider

    @property
    def kind(self) -> str:
        """Return ``app``, ``child`` (of an app) or ``own``: with an address of its own."""
        if self.is_app:
            return "app"
        return "own" if self.parent_id is None else "child"

    @property
    def zone(self) -> str:
        """Return the source's zone, or its account's."""
        return self.timezone or self.account.timezone
