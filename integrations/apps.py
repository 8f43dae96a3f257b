"""Apps: one address for many merchants. Most of their deliveries are of one merchant each."""

from .contract import Delivery


def whole(delivery: Delivery, merchant: str) -> bytes:
    """Return all of a body, which holds nothing of any other merchant."""
    return delivery.body
