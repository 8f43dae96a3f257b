"""Proof in headers: doubled, disguised, stripped, cut and retold. Nothing but the proof counts."""

from collections.abc import Mapping

import pytest

from .counted import Counted
from .till import OTHER_SECRET, Till, proof, sale, signature

pytestmark = pytest.mark.django_db(transaction=True)

BODY = sale()


def raw(till: Till, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes = BODY) -> int:
    """Send header lines as they are and return the status."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [f"{name}: {value}" for name, value in pairs]
    head = [f"POST {till.path} HTTP/1.1", "Host: x", "Connection: close", *lines]
    head.append(f"Content-Length: {len(body)}")
    answer = till.server.raw("\r\n".join([*head, "", ""]).encode("utf-8") + body)
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_F50_an_underscore_in_a_header_name_is_another_header(till: Till) -> None:
    """Granian passes ``webhook_signature`` on under its own name (gunicorn would drop it)."""
    disguised = {name.replace("-", "_"): value for name, value in proof(BODY).items()}

    assert raw(till, disguised) == 401
    assert raw(till, {**proof(BODY), "webhook_signature": "v1,AAAA"}) == 200
    assert till.staged() == [BODY]


def test_F51_a_repeated_signature_header_is_401_even_beside_a_good_one(till: Till) -> None:
    """Ours joins by comma as WSGI does, and a comma is no part of a signature."""
    good = proof(BODY)
    bad = ("webhook-signature", "v1,AAAA")

    assert raw(till, [*good.items(), bad]) == 401
    assert raw(till, [bad, *good.items()]) == 401
    assert raw(till, [*good.items(), ("webhook-id", "msg_other")]) == 401
    assert till.staged() == []


def test_F51_eight_signatures_in_4_kb_are_read_and_no_more(till: Till, counted: Counted) -> None:
    good = proof(BODY)
    entry = good["webhook-signature"]
    before = counted.value("gjango_deliveries_rejected_total", cause="too_many_signatures")

    def with_signature(value: str) -> int:
        return raw(till, {**good, "webhook-signature": value})

    assert with_signature(" ".join([*["v1,AAAA"] * 7, entry])) == 200
    assert with_signature(" ".join([*["v1,AAAA"] * 8, entry])) == 401
    assert with_signature(f"v1,{'A' * 4096} {entry}") == 401
    assert counted.reaches(
        before + 1, "gjango_deliveries_rejected_total", cause="too_many_signatures"
    )


def test_F59_a_strange_time_or_signature_is_401_whatever_int_and_base64_would_read(
    till: Till,
) -> None:
    """Python's int() takes ``1_0``, ``١٢`` and blanks; lenient base64 takes ``YW!!Jj``."""
    good = proof(BODY)
    moment = good["webhook-timestamp"]
    times = (f"{moment[:1]}_{moment[1:]}", "١٢٣", "1" * 5000, f"+{moment}", f"{moment}.0", "-1", "")
    signatures = ("v1,YW!!Jj", "v1,", "подпись", "v1,\u00ff\u00fe", ",", "v1")

    for given in times:
        entry = signature(good["webhook-id"], given, BODY)
        answered = raw(till, {**good, "webhook-timestamp": given, "webhook-signature": entry})
        assert answered == 401, given[:20]
    for given in signatures:
        assert raw(till, {**good, "webhook-signature": given}) == 401, given
    assert till.staged() == []


def test_F60_a_proof_stripped_emptied_cut_or_of_another_algorithm_is_401(till: Till) -> None:
    good = proof(BODY)
    entry = good["webhook-signature"]

    for name in good:
        assert raw(till, {key: value for key, value in good.items() if key != name}) == 401, name
        assert raw(till, {**good, name: ""}) == 401, name
        assert raw(till, {**good, name: good[name][:-1]}) == 401, name
    for other in ("v2", "v1a", "none", "sha256", "V1"):
        assert raw(till, {**good, "webhook-signature": f"{other},{entry[3:]}"}) == 401, other
    assert raw(till, {**good, "webhook-algorithm": "none", "webhook-signature": "v1,"}) == 401
    assert raw(till, proof(BODY, secret=OTHER_SECRET)) == 401
    assert till.staged() == []


def test_F57_bytes_are_hashed_as_they_are_and_the_source_chooses_the_parser(till: Till) -> None:
    kinds = (
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "x/\u00ff",
    )
    bodies = [sale(f"s{n}") for n, _ in enumerate(kinds)]

    for kind, body in zip(kinds, bodies, strict=True):
        assert raw(till, {**proof(body), "content-type": kind}, body) == 200, kind
    assert raw(till, proof(BODY)) == 200
    till.settle()

    assert till.staged() == [*bodies, BODY]
    assert till.outcomes() == ["recorded"] * len(kinds) + ["superseded"]
