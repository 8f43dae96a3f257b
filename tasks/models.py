"""Events, attempts, dead letters and pending reads. Events and attempts are only inserted."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, Source


class Outcome(models.TextChoices):
    """How an event ended: the one vocabulary, used everywhere."""

    RECORDED = "recorded", "записано"
    SUPERSEDED = "superseded", "устарело"
    DUPLICATE = "duplicate", "повтор"
    IGNORED = "ignored", "не относится к продажам"
    UNSUPPORTED = "unsupported", "не поддержано"
    FETCHING = "fetching", "запрашивается"
    DEAD = "dead", "не разобрано"


#: Outcomes that somebody may have to do something about.
RARE = ("dead", "fetching", "unsupported")


class Owned(models.Model):
    """A row of an account and of one of its sources."""

    account = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, verbose_name="аккаунт"
    )
    source = models.ForeignKey(
        Source, models.PROTECT, db_constraint=False, db_index=False, verbose_name="источник"
    )

    class Meta:
        abstract = True


class Event(Owned):
    """The ledger: one row per event key and content. It counts and explains, it never decides."""

    key = models.TextField("ключ")
    sha256 = models.BinaryField("содержание", max_length=32)
    type = models.TextField("тип")
    occurred_at = models.DateTimeField("произошло", null=True)
    delivery_id = models.UUIDField("доставка")
    created_at = models.DateTimeField("записано", db_default=Now())

    class Meta:
        verbose_name = "событие"
        verbose_name_plural = "события"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "key", "sha256"], name="tasks_event_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.key}"


class EarlierReceipt(Owned):
    """A receipt of an event that the ledger does not tell: it came to light later, or was unread.

    Only inserted; few events have one.
    """

    key = models.TextField("ключ")
    sha256 = models.BinaryField("содержание", max_length=32)
    delivery_id = models.UUIDField("доставка")

    class Meta:
        verbose_name = "более раннее получение"
        verbose_name_plural = "более ранние получения"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "key", "sha256", "delivery_id"],
                name="tasks_earlierreceipt_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.key} · {self.delivery_id}"


class Attempt(Owned):
    """One run of settling over one event of a delivery, and how it ended."""

    delivery_id = models.UUIDField("доставка")
    position = models.IntegerField("номер в доставке")
    number = models.SmallIntegerField("попытка")
    type = models.TextField("тип", default="")
    key = models.TextField("ключ", default="")
    outcome = models.CharField("исход", max_length=16, choices=Outcome)
    mapper = models.SmallIntegerField("версия разбора", default=0)
    error = models.TextField("ошибка", default="")
    path = models.TextField("место", default="")
    created_at = models.DateTimeField("время", db_default=Now())

    class Meta:
        verbose_name = "попытка"
        verbose_name_plural = "попытки"
        indexes = (
            models.Index(fields=["delivery_id"], name="tasks_attempt_delivery"),
            models.Index(fields=["account", "-id"], name="tasks_attempt_newest"),
            # Who asks for these asks for a few among millions.
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(outcome__in=RARE),
                name="tasks_attempt_rare",
            ),
            # verify walks over the dead every day, and over nothing else of millions.
            models.Index(
                fields=["id"], condition=models.Q(outcome="dead"), name="tasks_attempt_dead"
            ),
        )

    def __str__(self) -> str:
        return f"{self.delivery_id} · {self.outcome}"


class DeadLetter(Owned):
    """An event that waits for a human. Closed when a later attempt settles it or one drops it."""

    delivery_id = models.UUIDField("доставка")
    position = models.IntegerField("номер в доставке")
    type = models.TextField("тип", default="")
    key = models.TextField("ключ", default="")
    reason = models.TextField("причина")
    path = models.TextField("место", default="")
    created_at = models.DateTimeField("создано", db_default=Now())
    closed_at = models.DateTimeField("закрыто", null=True, blank=True)
    closed_by = models.TextField("чем закрыто", default="", blank=True)

    class Meta:
        verbose_name = "неразобранное событие"
        verbose_name_plural = "неразобранные события"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "delivery_id", "position"], name="tasks_deadletter_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["account", "source", "-id"],
                condition=models.Q(closed_at=None),
                name="tasks_deadletter_open",
            ),
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(closed_at=None),
                name="tasks_deadletter_newest",
            ),
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(closed_at__isnull=False),
                name="tasks_deadletter_closed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.path}"


class Fetch(Owned):
    """One pending read of an entity: coalesced, and served later.

    ``due_at`` is lease and not-before in one; ``token`` is whose lease it is.
    """

    kind = models.TextField("вид")
    external_id = models.TextField("внешний код")
    cause = models.UUIDField("причина")
    #: When the latest event that asked was received: an answer serves what came before it was sent.
    requested_at = models.DateTimeField("запрошено", db_default=Now())
    #: The greatest clock that the events spoke of, in microseconds since 1970.
    over = models.BigIntegerField("поверх", null=True)
    #: Whether the latest event spoke of a deletion.
    deleted = models.BooleanField("удалён", db_default=False)
    #: Whether only lists told of it: then it need not be asked for where its clock is known.
    listed = models.BooleanField("только из списка", db_default=False)
    #: Seconds of quiet after which it is read once more; null where that is not asked for.
    settle = models.FloatField("перечитать через", null=True)
    due_at = models.DateTimeField("не раньше", db_default=Now())
    token = models.UUIDField("кем занято", null=True)
    #: Failures one after the other.
    attempts = models.SmallIntegerField("попыток", db_default=0)
    #: Answers one after the other that were older than what is known.
    lagged = models.SmallIntegerField("отставших ответов", db_default=0)
    last_error = models.TextField("последняя ошибка", null=True)

    class Meta:
        verbose_name = "запрос к провайдеру"
        verbose_name_plural = "запросы к провайдерам"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "kind", "external_id"], name="tasks_fetch_once"
            ),
        )
        indexes = (models.Index(fields=["source", "due_at"], name="tasks_fetch_due"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class Backfill(Owned):
    """One walk through a provider's list: a person's, or a sliding window of the clock's.

    A window never ends: its next pass begins where the last one ended, less what it overlaps.
    """

    class State(models.TextChoices):
        RUNNING = "running", "идёт"
        DONE = "done", "закончена"
        CANCELLED = "cancelled", "отменена"

    kind = models.TextField("вид")
    window = models.BooleanField("скользящая", db_default=False)
    since = models.DateTimeField("с")
    #: Null until the first page of a window's pass: now.
    until = models.DateTimeField("до", null=True)
    state = models.CharField("состояние", max_length=16, choices=State, default=State.RUNNING)
    #: Behind which page it goes on; null is the first.
    cursor = models.TextField("место", null=True)
    pages = models.IntegerField("страниц", db_default=0)
    staged = models.IntegerField("новых", db_default=0)
    #: Units of the provider's budget that were left after the last page.
    left = models.IntegerField("осталось в бюджете", null=True)
    due_at = models.DateTimeField("не раньше", db_default=Now())
    token = models.UUIDField("кем занято", null=True)
    attempts = models.SmallIntegerField("попыток", db_default=0)
    last_error = models.TextField("последняя ошибка", null=True)
    created_at = models.DateTimeField("начата", db_default=Now())
    changed_at = models.DateTimeField("изменена", db_default=Now())

    class Meta:
        verbose_name = "загрузка прошлого"
        verbose_name_plural = "загрузки прошлого"
        constraints = (
            models.UniqueConstraint(
                fields=["source", "kind"],
                condition=models.Q(window=True),
                name="tasks_backfill_window",
            ),
        )
        indexes = (
            models.Index(
                fields=["source", "due_at"],
                condition=models.Q(state="running"),
                name="tasks_backfill_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} · {self.kind} · {self.state}"


class Routed(Owned):
    """What an app's delivery held of one merchant: staged anew for its source, or waiting for it.

    ``account`` and ``source`` are the app's; ``child_id`` and ``routed_id`` are null while the
    merchant is unrouted. Written by ``route_part()`` alone.
    """

    delivery_id = models.UUIDField("доставка")
    merchant = models.TextField("аккаунт у провайдера")
    child_id = models.BigIntegerField("источник", null=True)
    routed_id = models.UUIDField("доставка источника", null=True)

    class Meta:
        verbose_name = "часть доставки приложения"
        verbose_name_plural = "части доставок приложений"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "delivery_id", "merchant"], name="tasks_routed_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["source", "merchant", "delivery_id"],
                condition=models.Q(routed_id=None),
                name="tasks_routed_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.delivery_id} · {self.merchant}"


class Replay(models.Model):
    """One run of settling again over a filter: it outlives the process that began it."""

    class State(models.TextChoices):
        RUNNING = "running", "идёт"
        DONE = "done", "закончен"
        CANCELLED = "cancelled", "отменён"

    filter = models.JSONField("отбор", default=dict)
    cause = models.TextField("кем начат", default="")
    state = models.CharField("состояние", max_length=16, choices=State, default=State.RUNNING)
    #: Null where nobody counted.
    total = models.IntegerField("всего", null=True)
    done = models.IntegerField("разобрано", default=0)
    outcomes = models.JSONField("исходы", default=dict)
    after = models.UUIDField("после")
    #: Null until the first page: whatever is staged by then.
    upto = models.UUIDField("до", null=True)
    #: Lease and not-before in one, as in the inbox.
    due_at = models.DateTimeField("не раньше", db_default=Now())
    created_at = models.DateTimeField("начат", db_default=Now())
    changed_at = models.DateTimeField("изменён", db_default=Now())

    class Meta:
        verbose_name = "повторный разбор"
        verbose_name_plural = "повторные разборы"

    def __str__(self) -> str:
        return f"{self.pk} · {self.state}"


class Verification(models.Model):
    """How far ``verify`` has come with one walk of a check, and what its last pass found.

    ``begin`` is the key behind which a pass begins: what lies before was seen and cannot change.
    ``after`` is where the pass at hand stands. Null is the beginning of the table.
    """

    line = models.TextField("строка")
    part = models.SmallIntegerField("часть")
    #: Of what is asked: a check that changed begins anew.
    definition = models.TextField("определение", db_default="")
    begin = models.JSONField("начало", null=True)
    covered = models.BigIntegerField("строк до начала", db_default=0)
    after = models.JSONField("после", null=True)
    held = models.BooleanField("начало ждёт", db_default=False)
    started_at = models.DateTimeField("проход начат", null=True)
    walked = models.BigIntegerField("пройдено", db_default=0)
    examined = models.BigIntegerField("проверено", db_default=0)
    failed = models.BigIntegerField("нарушений", db_default=0)
    examples = models.JSONField("примеры", db_default=[])
    last_started_at = models.DateTimeField("последний проход начат", null=True)
    finished_at = models.DateTimeField("последний проход окончен", null=True)
    last_examined = models.BigIntegerField("проверено за него", db_default=0)
    last_failed = models.BigIntegerField("нарушений за него", db_default=0)
    last_examples = models.JSONField("его примеры", db_default=[])

    class Meta:
        verbose_name = "проверка"
        verbose_name_plural = "проверки"
        constraints = (
            models.UniqueConstraint(fields=["line", "part"], name="tasks_verification_once"),
        )

    def __str__(self) -> str:
        return f"{self.line} {self.part}"
