"""What the receiver answers: the contract's JSON, in the sender's language."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

from integrations.contract import Answer

from .limits import Limits

Pairs = list[tuple[bytes, bytes]]
JSON = b"application/json; charset=utf-8"


class Refusal(Exception):
    """Why a request is not taken.

    ``code`` is the one of the answer, ``headers`` are further headers of it, and ``cause`` is the
    word for metrics and logs where it is more precise than the code. ``worded`` is what the
    provider wants to be told instead of our words.
    """

    def __init__(
        self, code: str, headers: Mapping[bytes, bytes] | None = None, *, cause: str = ""
    ) -> None:
        super().__init__(cause or code)
        self.code = code
        self.headers = headers or {}
        self.cause = cause or code
        self.worded: Answer | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One kind of refusal: its status, and per language what is wrong and what to do next."""

    status: HTTPStatus
    ru: tuple[str, str]
    en: tuple[str, str]
    field: str | None = None


TEXTS: dict[str, Text] = {
    "malformed": Text(
        HTTPStatus.BAD_REQUEST,
        ("Запрос не по правилам HTTP.", "Проверьте Content-Length и Transfer-Encoding."),
        ("The request is not valid HTTP.", "Check Content-Length and Transfer-Encoding."),
    ),
    "signature_invalid": Text(
        HTTPStatus.UNAUTHORIZED,
        (
            "Подпись не подтверждает отправителя.",
            "Сравните секрет у отправителя с секретом источника; если подписан и адрес, "
            "проверьте public_url источника.",
        ),
        (
            "The signature does not prove the sender.",
            "Compare the sender's secret with the source's; where the URL is signed as well, "
            "check the source's public_url.",
        ),
    ),
    "signature_stale": Text(
        HTTPStatus.UNAUTHORIZED,
        (
            "Время подписи вне допуска.",
            "Проверьте часы отправителя и не повторяйте старую подпись.",
        ),
        ("The signed time is outside the tolerance.", "Check the sender's clock; sign anew."),
    ),
    "address_refused": Text(
        HTTPStatus.UNAUTHORIZED,
        (
            "С этого адреса источник доставки не принимает.",
            "Добавьте адрес: manage.py source set ID --setting allow_ips=…",
        ),
        (
            "The source takes no deliveries from this address.",
            "Add it: manage.py source set ID --setting allow_ips=…",
        ),
    ),
    "secret_missing": Text(
        HTTPStatus.UNAUTHORIZED,
        (
            "У источника ещё нет секрета, подпись проверить нечем.",
            "Задайте его: manage.py source secret ID --secret …",
        ),
        (
            "The source has no secret yet, so nothing can be verified.",
            "Set it: manage.py source secret ID --secret …",
        ),
    ),
    "not_found": Text(
        HTTPStatus.NOT_FOUND,
        ("Такого адреса приёма нет, или источник отключён.", "Возьмите адрес источника заново."),
        ("There is no such address, or its source is disabled.", "Copy the source's URL anew."),
    ),
    "method_not_allowed": Text(
        HTTPStatus.METHOD_NOT_ALLOWED,
        ("Этот метод здесь не принимается.", "Отправляйте методом из заголовка Allow."),
        ("This method is not taken here.", "Use a method of the Allow header."),
    ),
    "body_slow": Text(
        HTTPStatus.REQUEST_TIMEOUT,
        ("Тело запроса шло слишком долго.", "Повторите; предел задаёт GJANGO_BODY_SECONDS."),
        ("The body took too long.", "Send it again; the bound is GJANGO_BODY_SECONDS."),
    ),
    "body_too_large": Text(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ("Тело запроса больше предела.", "Разделите его; предел задаёт GJANGO_BODY_BYTES."),
        ("The body is over the limit.", "Split it; the bound is GJANGO_BODY_BYTES."),
    ),
    "encoding_unsupported": Text(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ("Сжатое тело не принимается.", "Отправляйте без Content-Encoding."),
        ("A compressed body is not taken.", "Send it without Content-Encoding."),
        "Content-Encoding",
    ),
    "rate_limited": Text(
        HTTPStatus.TOO_MANY_REQUESTS,
        ("С этого адреса слишком много отказов.", "Исправьте адрес или секрет; Retry-After."),
        ("Too many refusals from this address.", "Fix the URL or the secret; see Retry-After."),
    ),
    "unavailable": Text(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ("Сейчас не записать: доставка не принята.", "Повторите через Retry-After секунд."),
        ("It cannot be stored now: the delivery is not taken.", "Retry after Retry-After seconds."),
    ),
}


def language_of(accept: str) -> str:
    """Return ``en`` where Accept-Language names English before Russian, else ``ru``."""
    named = [part.strip()[:2].lower() for part in accept.split(",")]
    return next((name for name in named if name in ("ru", "en")), "ru")


def refusal_body(code: str, *, language: str, request_id: str) -> bytes:
    """Return the JSON of a refusal, as in the contract: code, detail, field?, hint, request_id."""
    return b"%s%s}" % (_opening(code, language), json.dumps(request_id).encode())


@cache
def _opening(code: str, language: str) -> bytes:
    """Return what does not differ between two refusals: there are many a second, or none."""
    text = TEXTS[code]
    detail, hint = text.en if language == "en" else text.ru
    named = {"field": text.field} if text.field else {}
    whole = {"code": code, "detail": detail, **named, "hint": hint, "request_id": None}
    return json.dumps(whole, ensure_ascii=False).encode().removesuffix(b"null}")


def unavailable(limits: Limits, cause: str) -> Refusal:
    """Return the 503 of a moment; the jitter keeps senders from coming back all at once."""
    seconds = random.randint(limits.retry_min_seconds, limits.retry_max_seconds)  # noqa: S311
    return Refusal("unavailable", {b"retry-after": b"%d" % seconds}, cause=cause)
