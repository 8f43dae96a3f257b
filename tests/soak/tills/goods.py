"""What is bought: lines with quantities, prices and discounts in minor units."""

from dataclasses import dataclass
from random import Random

_GOODS = (("101", "Капучино"), ("102", "Круассан"), ("103", "Чай"), ("104", "Сэндвич"))


@dataclass(frozen=True, slots=True)
class Item:
    """One line: ``total`` is what is left of quantity × price after the discount."""

    code: str
    name: str
    quantity: int
    price: int
    discount: int

    @property
    def gross(self) -> int:
        return self.quantity * self.price

    @property
    def total(self) -> int:
        return self.gross - self.discount


def basket(chance: Random) -> list[Item]:
    """Return one to four lines."""
    items = []
    for code, name in chance.sample(_GOODS, chance.choice((1, 1, 2, 2, 3, 4))):
        quantity, price = chance.randint(1, 3), chance.randint(40, 900) * 5
        discount = chance.randint(1, price // 4) if chance.random() < 0.3 else 0
        items.append(Item(code, name, quantity, price, discount))
    return items


def total(items: list[Item]) -> int:
    """Return the sum of the lines."""
    return sum(item.total for item in items)
