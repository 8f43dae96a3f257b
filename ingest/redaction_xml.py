"""Cutting declared elements out of an XML body, as loosely as any parser may read it.

What our strict parser refuses (a truncated body, UTF-16) is still kept as a delivery. So an element
is cut by its name alone, in whatever namespace and wherever it stands: where the tree is broken
nobody can say what stands in what.
"""

import re
from collections.abc import Collection, Iterator

CUT = "[cut]"
#: What XML in two or four bytes a character begins with: a byte order mark, else ``<``.
_WIDE = (
    (b"\xff\xfe\0\0", "utf-32-le", 4),
    (b"\0\0\xfe\xff", "utf-32-be", 4),
    (b"<\0\0\0", "utf-32-le", 4),
    (b"\0\0\0<", "utf-32-be", 4),
    (b"\xff\xfe", "utf-16-le", 2),
    (b"\xfe\xff", "utf-16-be", 2),
    (b"<\0", "utf-16-le", 2),
    (b"\0<", "utf-16-be", 2),
)
#: The rest of an opening tag. One in whose quotes another tag opens is broken, and ends nowhere.
_TAG = re.compile(r"""(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>""")


def cut_xml(body: bytes, wanted: Collection[str]) -> tuple[bytes, set[str]]:
    """Return the body without what stands in these elements, and the paths that were cut.

    A path is known by its last name. What is not XML has nothing to cut.
    """
    coding, width = _coding_of(body)
    whole = len(body) - len(body) % width
    try:
        text = body[:whole].decode(coding, "surrogatepass" if width > 1 else "strict")
    except UnicodeDecodeError:  # no character at all in four bytes: no parser reads on behind it
        return body, set()
    names = {path.rpartition(".")[2]: path for path in wanted}
    if "<" not in text or not any(name in text for name in names):
        return body, set()
    pieces, position, found = [], 0, set()
    for name, start, end in _contents(text, names):
        pieces += [text[position:start], CUT]
        position = end
        found.add(names[name])
    cut = "".join([*pieces, text[position:]])
    return cut.encode(coding, "surrogatepass" if width > 1 else "strict") + body[whole:], found


def _coding_of(body: bytes) -> tuple[str, int]:
    """Return how to look at the bytes as text, and how many of them are a character."""
    head = body.lstrip(b" \t\r\n")[:4] if body[:1].isspace() else body[:4]
    for begins, coding, width in _WIDE:
        if head.startswith(begins):
            return coding, width
    return "latin-1", 1


def _contents(text: str, names: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """Go over the elements of these names: the name, and where its content begins and ends."""
    spelled = "|".join(map(re.escape, names))
    opening = re.compile(rf"<(?:[^\s<>/:\"'=]++:)?+({spelled})(?=[\s/>]|\Z)")
    position = 0
    while match := opening.search(text, position):
        tag = _TAG.match(text, match.end())
        start = tag.end() if tag else match.end()
        if tag and text[start - 2] == "/":
            position = start
            continue
        closing = re.compile(rf"</(?:[^\s<>/:\"'=]++:)?+{re.escape(match[1])}\s*+(?:>|\Z)")
        closed = closing.search(text, start)
        position = closed.start() if closed else len(text)
        if position > start:
            yield match[1], start, position
