"""The model: what the tables must be, worked out from the set of staged deliveries alone.

``arrivals`` reads deliveries by the rule of ``docs/merge-rule.md``, ``shops`` are providers that
know what really happened, and the tests hold the product to both. Which test holds which property
is a table in ``docs/model.md``.
"""
