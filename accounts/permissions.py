"""Who may go on: somebody with a seat in an account."""

from rest_framework import permissions
from rest_framework.request import Request

from .errors import ApiError
from .principal import Principal


class Seated(permissions.BasePermission):
    """Somebody with a seat in an account; changes need a role that writes."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Say whether the request may go on. Raises ApiError with the reason why not."""
        principal = request.auth
        if not isinstance(principal, Principal):
            return False
        if not principal.seats:
            raise ApiError("no_account")
        if request.method not in permissions.SAFE_METHODS and not principal.is_writer:
            raise ApiError("read_only")
        return True
