"""What Shopify asks on behalf of people and shops, and only a person can do (README)."""

from collections.abc import Sequence

from integrations.contract import Context, Event, Normaliser, PersonNeeded, Statement

#: A second event of ``customers/redact``: the deliveries themselves are never changed by settling.
STORED = "customers/redact:stored"

_WORDS = {
    "customers/data_request": "покупатель просит свои данные: передайте их магазину"
    " / a customer asks for their data: hand it to the shop",
    STORED: "покупатель просит стереть свои данные: в справочнике стёрты, в теле доставок ещё нет"
    " / a customer asks to be erased: done in the reference book, not yet in stored deliveries",
    "shop/redact": "магазин удалил приложение: сотрите его данные"
    " / the shop removed the app: erase its data",
}


def _asking(words: str) -> Normaliser:
    def read(_event: Event, _context: Context, /) -> Sequence[Statement]:
        raise PersonNeeded(words)

    return read


#: Type → its reader, which makes it a dead letter: it stays open until a person closes it.
NORMALISERS: dict[str, Normaliser] = {kind: _asking(words) for kind, words in _WORDS.items()}
