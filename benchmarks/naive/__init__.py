"""What one would write first: the baselines that our figures are ratios of.

*naive* is a DRF view that saves the delivery by the ORM and sends one message an event; its actor
saves the sale and each line by the ORM. *Django view* is the quickest honest form of the first
half: HMAC, one INSERT, one COMMIT. Both verify the same signature over the same bytes as we do.
"""
