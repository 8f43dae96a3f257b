"""The two baseline receivers. Both check the signature before anything else."""

import base64
import hashlib
import hmac
import json
import os
import time
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Delivery
from .tasks import settle

_KEY = base64.b64decode(os.environ["BENCH_SECRET"].removeprefix("whsec_"))


def _valid(headers: Any, body: bytes) -> bool:
    """Standard Webhooks v1, as in our own receiver."""
    name, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    if abs(time.time() - int(sent)) > 300:
        return False
    text = b".".join((name.encode(), sent.encode(), body))
    expected = "v1," + base64.b64encode(hmac.new(_KEY, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, headers.get("webhook-signature", ""))


class NaiveHook(APIView):
    """DRF, ORM, one message an event."""

    def post(self, request: Request) -> Response:
        body = request._request.body
        if not _valid(request.headers, body):
            return Response({"detail": "bad signature"}, status=401)
        row = Delivery.objects.create(
            webhook_id=request.headers["webhook-id"], headers=dict(request.headers), body=body
        )
        settle.send(row.pk)
        return Response({"delivery": row.pk})


def plain(request: HttpRequest) -> HttpResponse:
    """HMAC, one INSERT, one COMMIT."""
    if not _valid(request.headers, request.body):
        return HttpResponse(status=401)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO naive_delivery (webhook_id, received_at, headers, body, settled)"
            " VALUES (%s, now(), %s, %s, false) RETURNING id",
            [
                request.headers["webhook-id"],
                json.dumps(dict(request.headers)),
                request.body,
            ],
        )
        (pk,) = cursor.fetchone() or (None,)
    return HttpResponse(f'{{"delivery": {pk}}}', content_type="application/json")
