"""Secrets of sources: making those that we issue, and refusing those that cannot work."""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping

from integrations.asking import SecretForm
from integrations.contract import API, Provider
from integrations.schemes import Address, Basic, new_signing_secret

#: Standard Webhooks asks for 24 to 64 bytes.
_STANDARD_BYTES = range(24, 65)
_ED25519_BYTES = 32
#: Evotor takes at most 128 characters; less than 16 can be guessed.
_BEARER_LENGTH = range(16, 129)
_LONGEST = 1024
#: A token of an API may be a JWT signed by RSA: amoCRM's is longer than a thousand characters.
_LONGEST_TOKEN = 4000
KINDS = ("signing", "bearer", "public_key", API)


class SecretInvalid(ValueError):
    """A secret cannot work with its provider; the message says what is expected."""


def default_kind(provider: Provider) -> str:
    """Return the kind of secret a provider is usually given: a bearer where nothing is signed."""
    return "signing" if provider.signed else "bearer"


def needs_secret(provider: Provider) -> bool:
    """Say whether deliveries have to prove themselves; else whoever knows the address is heard."""
    return not isinstance(provider.scheme, Address)


def is_ours_to_make(provider: Provider, kind: str) -> bool:
    """Say whether we issue this kind of secret; a public key is the sender's own."""
    return provider.secret_from == "us" and kind not in ("public_key", API)  # noqa: S105 - a side, no secret


def new_secret(provider: Provider, kind: str) -> str:
    """Make a secret of a kind that we issue: ``whsec_…`` for signing, else a random token; for
    Basic a name and a random password."""
    if isinstance(provider.scheme, Basic):
        return f"gjango:{secrets.token_urlsafe(32)}"
    if kind == "signing":
        return new_signing_secret()
    return secrets.token_urlsafe(48)


def check_secret(provider: Provider, kind: str, value: str) -> None:
    """Refuse what can never verify a delivery. Raises SecretInvalid."""
    if not (value.isascii() and value.isprintable() and " " not in value and value):
        raise _invalid("латинские знаки без пробелов", "ASCII characters without spaces")
    if kind == API and (provider.api is None or not provider.api.needs_secret):
        raise SecretInvalid(
            f"--kind {API}: {provider.title} ни о чём не спрашивают / "
            f"--kind {API}: {provider.title} is never asked anything"
        )
    if kind != API and not needs_secret(provider):
        raise SecretInvalid(
            f"--secret: {provider.title} не подписывает, секретен адрес; ключ API: --kind {API}"
            f" / --secret: {provider.title} signs nothing, the address is the secret; for the API"
            f" use --kind {API}"
        )
    if kind != API and isinstance(provider.scheme, Basic) and ":" not in value:
        raise _invalid("имя:пароль", "name:password")
    longest = _LONGEST_TOKEN if kind == API else _LONGEST
    if len(value) > longest:
        raise _invalid(f"не длиннее {longest} знаков", f"at most {longest} characters")
    if kind == API and provider.api and provider.api.secret_form:
        _check_form(provider.api.secret_form, value)
    check = _CHECKS.get((provider.slug, kind)) or _CHECKS.get(("", kind))
    if check is not None:
        check(value)


def _check_form(form: SecretForm, value: str) -> None:
    try:
        form.read(value)
    except ValueError:
        raise _invalid(form.russian, form.english) from None


def _standard(value: str) -> None:
    if len(_base64(value.removeprefix("whsec_"))) not in _STANDARD_BYTES:
        raise _invalid(
            "whsec_ и base64 от 24–64 байт", "whsec_ followed by the base64 of 24 to 64 bytes"
        )


def _public_key(value: str) -> None:
    if len(_base64(value.removeprefix("whpk_"))) != _ED25519_BYTES:
        raise _invalid(
            "whpk_ и base64 открытого ключа Ed25519 (32 байта)",
            "whpk_ followed by the base64 of an Ed25519 public key (32 bytes)",
        )


def _bearer(value: str) -> None:
    if len(value) not in _BEARER_LENGTH:
        raise _invalid("от 16 до 128 знаков", "16 to 128 characters")


def _base64(text: str) -> bytes:
    try:  # padding may be missing, as the scheme reads it
        bare = text.rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _invalid(russian: str, english: str) -> SecretInvalid:
    # Never the value: errors end in logs.
    return SecretInvalid(f"--secret: нужно {russian} / --secret: expected {english}")


#: (provider, kind) → its check; an empty provider stands for all.
_CHECKS: Mapping[tuple[str, str], Callable[[str], None]] = {
    ("standard", "signing"): _standard,
    ("", "public_key"): _public_key,
    ("", "bearer"): _bearer,
}
