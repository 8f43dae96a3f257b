"""What the API says when it refuses: one table of codes, each in Russian and in English.

A table in code needs no gettext tools at installation, and a test can walk all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language


@dataclass(frozen=True, slots=True)
class Pair:
    """One text in both languages; the braces are filled in by ``str.format``."""

    ru: str
    en: str

    def __call__(self, **values: Any) -> str:
        """Return the text in the language of the request, Russian unless English was asked for."""
        text = self.en if (get_language() or "ru").startswith("en") else self.ru
        return text.format_map(values)


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason to refuse: the status, what happened, and what to do next."""

    status: int
    detail: Pair
    hint: Pair


def _problem(status: int, ru: str, en: str, hint_ru: str, hint_en: str) -> Problem:
    return Problem(status, Pair(ru, en), Pair(hint_ru, hint_en))


PROBLEMS: Mapping[str, Problem] = {
    "unauthenticated": _problem(
        401,
        "Неизвестно, кто спрашивает.",
        "The request does not say who is asking.",
        "Пошлите заголовок «Authorization: Bearer <токен>» (токен даёт `manage.py token add`) "
        "или войдите.",
        "Send `Authorization: Bearer <token>` (`manage.py token add` issues one), or log in.",
    ),
    "token_invalid": _problem(
        401,
        "Токен неизвестен, отозван или истёк.",
        "The token is unknown, revoked or expired.",
        "Выдайте новый: `manage.py token add --account … --role …`.",
        "Issue another one: `manage.py token add --account … --role …`.",
    ),
    "read_only": _problem(
        403,
        "Ваша роль только читает.",
        "Your role only reads.",
        "Для правок нужна роль owner или editor: попросите владельца аккаунта.",
        "Changes need the role owner or editor: ask the owner of the account.",
    ),
    "no_account": _problem(
        403,
        "Вы не участвуете ни в одном аккаунте.",
        "You are a member of no account.",
        "Владелец аккаунта добавляет участников в админке.",
        "The owner of an account adds members in the admin.",
    ),
    "forbidden": _problem(
        403,
        "Это действие запрещено.",
        "This action is not permitted.",
        "Проверьте, под кем вы вошли.",
        "Check who you are logged in as.",
    ),
    "csrf": _problem(
        403,
        "Нет верного CSRF-токена.",
        "The CSRF token is missing or wrong.",
        "Правки из браузера шлют заголовок X-CSRFToken; программам удобнее Bearer-токен.",
        "Changes from a browser send X-CSRFToken; programs had better use a bearer token.",
    ),
    "not_found": _problem(
        404,
        "Здесь ничего нет.",
        "There is nothing here.",
        "Список адресов — в корне API: «/».",
        "The list of addresses is the root of the API: `/`.",
    ),
    "slash_missing": _problem(
        404,
        "Адрес должен кончаться чертой.",
        "The address must end with a slash.",
        "Правильный адрес: {path}",
        "The right address: {path}",
    ),
    "hooks_elsewhere": _problem(
        404,
        "Вебхуки принимает другой процесс.",
        "Webhooks are received by another process.",
        "Выполните `make run`: он запускает и приёмник; под runserver его нет.",
        "Run `make run`: it starts the receiver too; runserver has none.",
    ),
    "method_not_allowed": _problem(
        405,
        "Метод {method} здесь не поддержан.",
        "The method {method} is not supported here.",
        "Допустимые методы — в заголовке Allow.",
        "The header Allow lists the methods.",
    ),
    "not_acceptable": _problem(
        406,
        "В формате из заголовка Accept ответить нельзя.",
        "The answer cannot be given in the format of the header Accept.",
        "Попросите application/json.",
        "Ask for application/json.",
    ),
    "unsupported_media_type": _problem(
        415,
        "Тело такого типа не принимается.",
        "A body of this type is not taken.",
        "Пошлите application/json в UTF-8.",
        "Send application/json in UTF-8.",
    ),
    "body_too_large": _problem(
        413,
        "Тело больше {limit} байт.",
        "The body is larger than {limit} bytes.",
        "Разделите его.",
        "Split it.",
    ),
    "body_malformed": _problem(
        400,
        "Тело не читается: {reason}",
        "The body cannot be read: {reason}",
        "Нужен один объект JSON в UTF-8.",
        "One JSON object in UTF-8 is expected.",
    ),
    "bad_request": _problem(
        400,
        "Запрос непонятен.",
        "The request is not understood.",
        "Проверьте адрес и заголовки, в том числе Host (настройка ALLOWED_HOSTS).",
        "Check the address and the headers, Host among them (setting ALLOWED_HOSTS).",
    ),
    "unknown_parameter": _problem(
        400,
        "Нет параметра «{field}».",
        "There is no parameter `{field}`.",
        "Есть: {known}.",
        "There are: {known}.",
    ),
    "parameter_repeated": _problem(
        400,
        "Параметр «{field}» указан дважды.",
        "The parameter `{field}` is given twice.",
        "Укажите его один раз.",
        "Give it once.",
    ),
    "parameter_unusable": _problem(
        400,
        "Значение параметра «{field}» непригодно.",
        "The value of the parameter `{field}` is unusable.",
        "Нужно: {expected}.",
        "Expected: {expected}.",
    ),
    "cursor_unusable": _problem(
        400,
        "Курсор не наш или от другого списка.",
        "The cursor is not ours, or of another list.",
        "Начните с первой страницы и берите адреса из «next» и «previous» как есть.",
        "Start at the first page and take the addresses in `next` and `previous` as they are.",
    ),
    "header_unusable": _problem(
        400,
        "Значение заголовка {field} непригодно.",
        "The value of the header {field} is unusable.",
        "Нужно от 1 до 255 знаков ASCII без пробелов.",
        "1 to 255 ASCII characters without spaces are expected.",
    ),
    "part_of_sale": _problem(
        400,
        "Эта запись — часть продажи и отдельно не правится.",
        "This record is a part of its sale and is not edited alone.",
        "Правьте продажу {sale}.",
        "Edit the sale {sale}.",
    ),
    "account_unclear": _problem(
        400,
        "Неясно, в какой аккаунт писать.",
        "It is unclear which account to write to.",
        "Добавьте ?account=<код>, у вас есть: {known}.",
        "Add ?account=<slug>, you have: {known}.",
    ),
    "field_unknown": _problem(
        400,
        "Нет поля «{field}».",
        "There is no field `{field}`.",
        "Править можно: {known}.",
        "These can be edited: {known}.",
    ),
    "field_derived": _problem(
        400,
        "Поле «{field}» выводится из других и не правится.",
        "The field `{field}` is derived from others and cannot be edited.",
        "Правьте то, из чего оно следует: {parts}.",
        "Edit what it follows from: {parts}.",
    ),
    "field_unusable": _problem(
        400,
        "Значение поля «{field}» непригодно: {reason}",
        "The value of the field `{field}` is unusable: {reason}",
        "Поля и их вид описаны схемой провайдера standard.",
        "The schema of the provider standard describes the fields.",
    ),
    "selection_unclear": _problem(
        400,
        "Неясно, какие письма имеются в виду.",
        "It is unclear which letters are meant.",
        "Назовите либо ids, либо filter; пустой filter — все открытые.",
        "Give either ids or filter; an empty filter means all open ones.",
    ),
    "letter_closed": _problem(
        409,
        "Это письмо уже закрыто.",
        "This letter is closed already.",
        "Любую доставку разбирает ещё раз `manage.py replay`.",
        "`manage.py replay` settles any delivery again.",
    ),
    "body_restricted": _problem(
        403,
        "Тело доставки видят только owner и editor.",
        "The body of a delivery is for owners and editors.",
        "В нём бывают данные покупателей: попросите роль у владельца аккаунта.",
        "It may hold data of customers: ask the owner of the account for the role.",
    ),
    "nothing_to_clear": _problem(
        404,
        "Поле «{field}» не правлено вручную.",
        "The field `{field}` is not set by hand.",
        "Правки показаны в поле overrides.",
        "The field overrides shows what is.",
    ),
    "exists": _problem(
        409,
        "Запись с таким external_id уже есть.",
        "There is already a record with this external_id.",
        "Правьте её методом PATCH (удалённую сначала верните, POST …/restore/): {path}",
        "PATCH it (restore it first if it was deleted, POST …/restore/): {path}",
    ),
    "changed_meanwhile": _problem(
        412,
        "Запись изменилась с тех пор, как вы её читали.",
        "The record has changed since you read it.",
        "Прочтите её снова и повторите правку с новым ETag.",
        "Read it again and repeat the change with the new ETag.",
    ),
    "key_reused": _problem(
        422,
        "Этот Idempotency-Key уже был с другим телом.",
        "This Idempotency-Key came with another body before.",
        "Новому запросу нужен новый ключ.",
        "A new request needs a new key.",
    ),
    "invalid": _problem(
        400,
        "Запрос непригоден: {reason}",
        "The request is unusable: {reason}",
        "Исправьте и повторите.",
        "Correct it and repeat.",
    ),
    "throttled": _problem(429, "Слишком часто.", "Too often.", "Повторите позже.", "Repeat later."),
    "too_many_logins": _problem(
        429,
        "Слишком много неудачных входов под этим именем с вашего адреса.",
        "Too many failed logins of this name from your address.",
        "Повторите через {minutes} мин.; снять раньше может сервер: manage.py axes_reset.",
        "Try again in {minutes} min; the server can end it sooner: manage.py axes_reset.",
    ),
    "internal": _problem(
        500,
        "Ошибка на нашей стороне.",
        "An error on our side.",
        "Сообщите request_id тому, кто ведёт сервер.",
        "Tell the request_id to whoever runs the server.",
    ),
    "unavailable": _problem(
        503,
        "База данных сейчас не отвечает.",
        "The database does not answer now.",
        "Повторите через несколько секунд.",
        "Repeat in a few seconds.",
    ),
}
