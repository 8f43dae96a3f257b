"""Two accounts with a token for each role, as the tests of sales have them."""

from sales.api.conftest import bakery, cafe

__all__ = ["bakery", "cafe"]
