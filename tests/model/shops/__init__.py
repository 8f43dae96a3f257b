"""Providers from the inside, by slug. A new provider that can be simulated gets its line here."""

from collections.abc import Mapping

from .base import OPENING, Figures, Move, Parts, Sent, Shop
from .evotor import Evotor
from .moysklad import MoySklad
from .shopify import Shopify
from .square import Square
from .standard import Standard

__all__ = ["OPENING", "SHOPS", "Figures", "Move", "Parts", "Sent", "Shop"]

SHOPS: Mapping[str, type[Shop]] = {
    shop.slug: shop for shop in (Standard, Square, Shopify, Evotor, MoySklad)
}
