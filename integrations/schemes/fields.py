"""The scheme of senders that put a digest of some fields into the JSON body itself (Poster)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from integrations.contract import Delivery, Secret, SignatureInvalid
from integrations.forms import is_form

from .base import Plain, body_fields, is_one_of, with_text
from .forms import FormField


@dataclass(frozen=True, slots=True)
class FieldsDigest(Plain):
    """``proof`` is the digest of the fields and the secret, joined by a separator.

    Fields of ``free`` may be missing and may hold the separator; no other may, or one signature
    would fit several readings. The digest covers these fields alone, and no time: weak, so that
    what such a delivery says is to be read again from the provider. ``form`` is under which name
    the fields stand where the body is a form instead.
    """

    fields: tuple[str, ...]
    proof: str = "verify"
    digest: str = "md5"
    free: frozenset[str] = frozenset()
    separator: str = ";"
    form: str = ""

    @property
    def covers(self) -> frozenset[str]:
        return frozenset(f"field:{name}" for name in self.fields)

    @property
    def words(self) -> str:
        signed = f" + {self.separator!r} + ".join([*self.fields, "secret"])
        return f"поле тела / field of the body `{self.proof}`: hex({self.digest.upper()}({signed}))"

    def verify(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> None:
        """Raise SignatureInvalid unless the digest was made with one of the secrets."""
        found = body_fields(delivery.body, (*self.fields, self.proof), form=self.form)
        given = found.get(self.proof, "").encode()
        parts = self._parts(found)
        if not is_one_of(given, (self._made(parts, one) for one in secrets if one.value)):
            raise SignatureInvalid(f"no secret of this source made {self.proof}")

    def sealed(self, delivery: Delivery, secret: Secret) -> bytes:
        """Return the body with the digest in its field, every other byte as it came."""
        parts = self._parts(body_fields(delivery.body, self.fields, form=self.form))
        made = self._made(parts, secret).decode()
        if self.form and is_form(delivery.body):
            return FormField(f"{self.form}.{self.proof}").sealed(delivery, Secret(made))
        return with_text(delivery.body, self.proof, made)

    def _parts(self, found: dict[str, str]) -> list[str]:
        for name in self.fields:
            if name not in self.free and self.separator in found.get(name, self.separator):
                raise SignatureInvalid(f"{name} is missing or holds {self.separator!r}")
        return [found[name] for name in self.fields if name in found]

    def _made(self, parts: Sequence[str], secret: Secret) -> bytes:
        text = self.separator.join([*parts, secret.value])
        return hashlib.new(self.digest, text.encode()).hexdigest().encode()
