"""Who is asking: a bearer token, or the session of a person who is logged in."""

from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from .errors import ApiError
from .principal import Principal, of_token, of_user
from .tokens import authenticate


class TokenHolder:
    """The user of a request that came with a token: nobody in particular."""

    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False
    pk = None

    def __init__(self, name: str) -> None:
        self.name = name

    def get_username(self) -> str:
        """Return what the pages show as the name."""
        return self.name

    __str__ = get_username


class Bearer(authentication.BaseAuthentication):
    """``Authorization: Bearer …``, stateless: no cookie, no CSRF."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return whom the token speaks for; None where there is none. Raises on a bad one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        row = authenticate(token.strip())
        if row is None:
            raise exceptions.AuthenticationFailed
        principal = of_token(row)
        return TokenHolder(principal.name), principal

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="api"'


class Session(authentication.SessionAuthentication):
    """The session of the browsable pages; changes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the person and what one may see; None where nobody is logged in."""
        found = super().authenticate(request)
        return None if found is None else (found[0], of_user(found[0]))

    def enforce_csrf(self, request: Request) -> None:
        """Raise ApiError where a change comes without its CSRF token."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise ApiError("csrf") from error
