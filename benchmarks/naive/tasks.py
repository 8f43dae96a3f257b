"""One message an event, one ORM save a row: the settling one would write first."""

import json
import os
from datetime import datetime
from decimal import Decimal

import dramatiq
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker

from .models import Delivery, Line, Payment, Sale

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))


def record(pk: int) -> None:
    """Turn one delivery into a sale with its lines and payments."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=pk)
        if delivery.settled:
            return
        data = json.loads(bytes(delivery.body), parse_float=Decimal)["data"]
        sale, _ = Sale.objects.update_or_create(
            external_id=data["id"],
            defaults={
                "number": data["number"],
                "occurred_at": datetime.fromisoformat(data["occurred_at"]),
                "currency": data["currency"],
                "total": Decimal(data["total"]),
            },
        )
        sale.lines.all().delete()
        for position, line in enumerate(data["lines"]):
            Line(
                sale=sale,
                position=position,
                product=line["product_id"],
                name=line["name"],
                quantity=Decimal(line["quantity"]),
                unit_price=Decimal(line["unit_price"]),
                total=Decimal(line["total"]),
            ).save()
        sale.payments.all().delete()
        for payment in data["payments"]:
            Payment(
                sale=sale,
                external_id=payment["id"],
                method=payment["type"],
                amount=Decimal(payment["amount"]),
            ).save()
        delivery.settled = True
        delivery.save()


settle = dramatiq.actor(record, actor_name="settle")
