"""Bodies of changes: bytes as they came, under a cap; the port of edits parses them strictly."""

from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import BaseParser

from .errors import ApiError


class RawJSON(BaseParser):
    """Hand the bytes of ``application/json`` to the view unparsed."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Read the body. Raises ApiError over DATA_UPLOAD_MAX_MEMORY_SIZE bytes."""
        try:
            # Not the stream: a request that is repeated reads its body again.
            return parser_context["request"].body
        except RequestDataTooBig as error:
            raise ApiError("body_too_large", limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from error
