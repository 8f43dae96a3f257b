"""The inside of a JSON string, and where in the string each of its bytes was written.

A provider may put JSON into a text of its JSON. What is cut out of it has to be cut out of the text
as it was spelled, so that every other byte stays as it came.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

_PIECE = re.compile(rb"\\u([0-9a-fA-F]{4})|\\(.)|[^\\]+", re.S)
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Text:
    """What a string spells, in UTF-8; ``starts`` and ``places`` are where its pieces begin there
    and in the string."""

    plain: bytes
    starts: list[int]
    places: list[int]

    def place(self, at: int) -> int:
        """Return where in the string that is written which stands here."""
        piece = bisect_right(self.starts, at) - 1
        return self.places[piece] + at - self.starts[piece]


def inside(string: bytes) -> Text:
    """Return what the bytes between the quotes of a JSON string spell, however badly."""
    pieces: list[bytes] = []
    starts, places, length = [], [], 0
    for match in _PIECE.finditer(string):
        starts.append(length)
        places.append(match.start())
        pieces.append(_spelled(match))
        length += len(pieces[-1])
    return Text(b"".join(pieces), [*starts, length], [*places, len(string)])


def _spelled(match: re.Match[bytes]) -> bytes:
    code, escaped = match.groups()
    if code is not None:
        return chr(int(code, 16)).encode(errors="surrogatepass")
    return match[0] if escaped is None else _ESCAPES.get(escaped, escaped)
