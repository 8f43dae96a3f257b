"""The scheme of senders that prove themselves by a secret in a field of a form (Bitrix24)."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from integrations import forms
from integrations.contract import Delivery, PayloadUnrecognised, Secret, SignatureInvalid

from .base import Plain


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
        try:
            given = [
                forms.value_of(field, delivery.body)
                for field in forms.fields_of(self.path, delivery.body)
            ]
        except PayloadUnrecognised as error:
            raise SignatureInvalid(f"no usable form: {error}") from None
        if len(given) != 1:
            raise SignatureInvalid(f"{self.path} is in the form {len(given)} times, not once")
        doors = [one.value for one in secrets if one.kind != "api"]  # those are the provider's
        for value in doors:
            if value and hmac.compare_digest(given[0].encode(), value.encode()):
                return
        raise SignatureInvalid(f"no secret of this source is {self.path}")

    def sealed(self, delivery: Delivery, secret: Secret) -> bytes:
        """Return the form with the secret in its field, every other byte as it came."""
        value = quote_plus(secret.value).encode()
        found = forms.fields_of(self.path, delivery.body)
        if not found:
            name, *steps = self.path.split(".")
            key = quote_plus(name + "".join(f"[{step}]" for step in steps))
            return delivery.body + b"&%s=%s" % (key.encode(), value)
        body = delivery.body
        for field in reversed(found):
            body = body[: field.start] + value + body[field.end :]
        return body
