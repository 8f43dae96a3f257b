"""Schemes of senders that prove themselves by a secret among the parameters of their request."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from integrations import forms
from integrations.contract import Delivery, PayloadUnrecognised, Secret, SignatureInvalid

from .base import Plain, body_fields, with_text
from .tokens import Bearer, StaticHeader


@dataclass(frozen=True, slots=True)
class FormField(Plain):
    """A secret in a field of a form, by its path (``auth.application_token``): proves the sender,
    and nothing about the rest of the form."""

    path: str

    @property
    def words(self) -> str:
        return f"секрет в поле формы / the secret in a field of the form: `{self.path}`"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the field is there once and is one of the secrets."""
        _prove(_values(self.path, delivery.body), self.path, secrets)

    def sealed(self, delivery: Delivery, secret: Secret) -> bytes:
        """Return the form with the secret in its field, every other byte as it came."""
        return _sealed(self.path, delivery.body, secret)


@dataclass(frozen=True, slots=True)
class Parameter(Plain):
    """A secret as a parameter of a request that a merchant has put together himself: in the query,
    in a form or in a JSON object, once in all of them. Proves the sender, and nothing else."""

    name: str

    @property
    def words(self) -> str:
        return (
            "секрет параметром запроса, формы или объекта JSON / "
            f"the secret as a parameter of the query, a form or a JSON object: `{self.name}`"
        )

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the parameter is there once and is one of the secrets."""
        given = _values(self.name, _query(delivery))
        if not forms.is_form(delivery.body):
            given += body_fields(delivery.body, (self.name,)).values()
        else:
            given += _values(self.name, delivery.body)
        _prove(given, self.name, secrets)

    def sealed(self, delivery: Delivery, secret: Secret) -> bytes:
        """Return the body with the secret in it; an empty one stays empty."""
        if not forms.is_form(delivery.body):
            return with_text(delivery.body, self.name, secret.value)
        return _sealed(self.name, delivery.body, secret) if delivery.body else b""

    def sealed_query(self, delivery: Delivery, secret: Secret) -> str:
        """Return the query with the secret in it, where there is no body to hold it."""
        if delivery.body:
            return delivery.query
        return _sealed(self.name, _query(delivery), secret).decode("latin-1")


@dataclass(frozen=True, slots=True)
class BearerOrQuery(Bearer):
    """``Authorization: Bearer``, or without it the same token as a parameter of the query, for
    senders that are told nothing but an address (CloudEvents' http-webhook, RFC 6750)."""

    name: str = "access_token"

    @property
    def words(self) -> str:
        return (
            "секрет в заголовке или параметре / the secret in a header or a parameter:"
            f" `{self.header}: {self.word}`, `{self.name}`"
        )

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the header, else the parameter, is one of the secrets."""
        given = _values(self.name, _query(delivery))
        if self.header in delivery.headers or not given:
            StaticHeader.verify(self, delivery, secrets, now)
        else:
            _prove(given, self.name, secrets)


def _query(delivery: Delivery) -> bytes:
    return delivery.query.encode("latin-1")


def _values(path: str, form: bytes) -> list[str]:
    """Return what a form has at a path; a key that nobody can read is none. Raises
    SignatureInvalid for what is no usable form there, or has more fields than one may have."""
    try:
        return [forms.value_of(field, form) for field in forms.fields_of(path, form)]
    except PayloadUnrecognised as error:
        raise SignatureInvalid(f"no usable form: {error}") from None


def _prove(given: Sequence[str], path: str, secrets: Sequence[Secret]) -> None:
    """Raise SignatureInvalid unless there is one value, and it is one of the secrets."""
    if len(given) != 1:
        raise SignatureInvalid(f"{path} is in the form {len(given)} times, not once")
    doors = [one.value for one in secrets if one.kind != "api"]  # those are the provider's
    for value in doors:
        if value and hmac.compare_digest(given[0].encode(), value.encode()):
            return
    raise SignatureInvalid(f"no secret of this source is {path}")


def _sealed(path: str, form: bytes, secret: Secret) -> bytes:
    value = quote_plus(secret.value).encode()
    found = forms.fields_of(path, form)
    if not found:
        name, *steps = path.split(".")
        key = quote_plus(name + "".join(f"[{step}]" for step in steps))
        return form + b"&%s=%s" % (key.encode(), value)
    for field in reversed(found):
        form = form[: field.start] + value + form[field.end :]
    return form
