"""The tables one would write first."""

from django.db import models


class Delivery(models.Model):
    webhook_id = models.CharField(max_length=200, unique=True)
    received_at = models.DateTimeField(auto_now_add=True)
    headers = models.JSONField()
    body = models.BinaryField()
    settled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.webhook_id


class Sale(models.Model):
    external_id = models.CharField(max_length=200, unique=True)
    number = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField(db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=19, decimal_places=4)

    def __str__(self) -> str:
        return self.external_id


class Line(models.Model):
    sale = models.ForeignKey(Sale, models.CASCADE, related_name="lines")
    position = models.IntegerField()
    product = models.CharField(max_length=200, db_index=True)
    name = models.CharField(max_length=500)
    quantity = models.DecimalField(max_digits=24, decimal_places=6)
    unit_price = models.DecimalField(max_digits=24, decimal_places=6)
    total = models.DecimalField(max_digits=19, decimal_places=4)

    def __str__(self) -> str:
        return self.name


class Payment(models.Model):
    sale = models.ForeignKey(Sale, models.CASCADE, related_name="payments")
    external_id = models.CharField(max_length=200)
    method = models.CharField(max_length=32)
    amount = models.DecimalField(max_digits=19, decimal_places=4)

    def __str__(self) -> str:
        return self.external_id
