"""The tables of a sale. ``recording.py`` writes them, everything else reads."""

from .parts import Fiscal, Payment, Refund, SaleLine
from .references import REFERENCES, Category, Customer, Device, Employee, Location, Product
from .sale import Sale

__all__ = [
    "REFERENCES",
    "Category",
    "Customer",
    "Device",
    "Employee",
    "Fiscal",
    "Location",
    "Payment",
    "Product",
    "Refund",
    "Sale",
    "SaleLine",
]
