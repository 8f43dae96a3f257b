"""Secrets at rest, and the tokens that addresses are made of."""

import hashlib
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultError(Exception):
    """A secret cannot be decrypted, or a key cannot be used; the message says what to do."""


class Vault:
    """Encrypt with the newest of the keys (``GJANGO_KEYS``), decrypt with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take URL-safe base64 Fernet keys, newest first. Raises VaultError."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise VaultError(
                "GJANGO_KEYS: нужен ключ Fernet (32 байта в base64), новый первым. / "
                "GJANGO_KEYS must be Fernet keys (32 bytes in base64), the newest first."
            ) from error

    def encrypt(self, text: str) -> bytes:
        """Return the text under the newest key."""
        return self.seal(text.encode())

    def seal(self, data: bytes) -> bytes:
        """Return bytes under the newest key."""
        return self._fernet.encrypt(data)

    def unseal(self, blob: bytes | memoryview) -> bytes:
        """Return sealed bytes. Raises VaultError where none of the keys fits."""
        try:
            return self._fernet.decrypt(bytes(blob))
        except InvalidToken as error:
            raise VaultError(
                "Секрет не расшифровать: верните прежний ключ в конец GJANGO_KEYS. / "
                "A secret cannot be decrypted: put the former key back at the end of GJANGO_KEYS."
            ) from error

    def decrypt(self, blob: bytes | memoryview) -> str:
        """Return the text. Raises VaultError where none of the keys fits."""
        return self.unseal(blob).decode()


def new_token() -> str:
    """Return a token for an address: 43 URL-safe characters of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Return what a token is found by: its sha256. It is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


def mask(token: str) -> str:
    """Return what a log may say of a token: its first six characters."""
    return f"{token[:6]}…"
