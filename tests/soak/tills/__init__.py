"""One module a provider: a purchase as its events, with what the sale must be at the end."""

from collections.abc import Callable, Mapping
from random import Random

from ..model import Receipt, Till
from . import evotor, shopify, square, standard

#: Provider → (source, seeded chance, number of the purchase) → its receipt.
PURCHASES: Mapping[str, Callable[[Till, Random, int], Receipt]] = {
    "evotor": evotor.purchase,
    "shopify": shopify.purchase,
    "square": square.purchase,
    "standard": standard.purchase,
}
