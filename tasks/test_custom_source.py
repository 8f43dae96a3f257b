"""A till that nobody wrote a provider for: from its description to its sales, over real HTTP."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.commandline import every_account
from accounts.models import Source
from ingest.models import Inbox, Rejection
from integrations import samples
from sales.models import Refund, Sale
from tasks.models import DeadLetter
from tasks.pipeline import settle
from tests.hearing import PUBLIC_URL, Running, attentive

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = samples.settings("custom")["description"]
KEY = "custom-till-secret-0001"
BODY = samples.load("custom")["SALE__same_sale"].body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("receiver")
    with ExitStack() as stack:
        yield stack.enter_context(attentive(folder))


def run(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command(command, *arguments, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def written(folder: Path, text: str = TEXT, name: str = "till.json") -> str:
    """Return the setting that takes a description from a file."""
    (folder / name).write_text(text)
    return f"description=@{folder / name}"


def other(**changes: Any) -> str:
    return json.dumps({**json.loads(TEXT), **changes})


def add(capsys: pytest.CaptureFixture[str], folder: Path, text: str = TEXT, *more: str) -> Any:
    setting = written(folder, text)
    return run(capsys, "source", "add", "custom", "--account", "cafe", "--setting", setting, *more)


def proof(body: bytes, key: str = KEY, age: int = 0) -> dict[str, str]:
    """Return the headers that the invented till sends, made without any of our code."""
    now = str(int(time.time()) - age)
    digest = hmac.new(key.encode(), now.encode() + b"." + body, "sha256").hexdigest()
    return {"X-Lastochka-Time": now, "X-Lastochka-Signature": f"sha256={digest}"}


def in_base64url(headers: dict[str, str]) -> dict[str, str]:
    """Write a signature of the invented till as another library would."""
    raw = bytes.fromhex(headers["X-Lastochka-Signature"].removeprefix("sha256="))
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {**headers, "X-Lastochka-Signature": f"sha256={text}"}


def post(server: Running, path: str, body: bytes, headers: dict[str, str]) -> int:
    time.sleep(0.03)  # beyond the receiver's cache
    whole = {"content-type": "application/json", **headers}
    return server.http.post(path, content=body, headers=whole).status_code


def settled() -> None:
    with every_account():
        waiting = list(Inbox.objects.values_list("delivery_id", flat=True))
    assert settle(waiting)


def test_a_described_till_is_heard_proven_settled_and_read_anew(
    server: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Any
) -> None:
    settings.PUBLIC_URL = PUBLIC_URL
    made = add(capsys, tmp_path, TEXT, "--secret", KEY)
    number, path = str(made["id"]), made["path"]
    assert (made["state"], made["unsigned"]) == ("active", False)

    assert post(server, path, BODY, proof(BODY)) == 200
    assert post(server, path, BODY, {}) == 401
    assert post(server, path, BODY, proof(BODY, key="another")) == 401
    assert post(server, path, BODY, proof(BODY, age=900)) == 401
    assert post(server, path, BODY + b" ", proof(BODY)) == 401
    assert post(server, path, BODY, in_base64url(proof(BODY))) == 401
    back = samples.load("custom")["REFUND__same_sale"].body
    assert post(server, path, back, proof(back)) == 200
    settled()

    with every_account():
        sale = Sale.objects.get()
        assert (sale.external_id, sale.total, sale.refunded_total) == (
            *("L-1001", Decimal("378.00"), Decimal("108.00")),
        )
        first = sale.mapper
    until_kept(int(number), 5)
    found = {one["finding"]: one["facts"] for one in run(capsys, "doctor", number)["findings"]}
    assert sorted(found) == ["clock", "encoding", "header", "rewritten", "unknown"]
    assert (found["encoding"]["theirs"], found["encoding"]["ours"]) == (
        *("sha256=<base64url>", "sha256=<hex>"),
    )

    # The description was wrong about refunds: they carry no reason that matters.
    whole = json.loads(TEXT)
    del whole["refund"]["reason"]
    whole["sale"]["number"] = "@.uid"
    changed = run(
        capsys, "source", "set", number, "--setting", written(tmp_path, json.dumps(whole))
    )
    assert (changed["changed"], changed["stale"]) == (["description"], True)
    with pytest.raises(SystemExit):  # there are differences
        call_command("rebuild", "--source", number)
    call_command("rebuild", "--source", number, "--apply")
    call_command("rebuild", "--source", number)
    with every_account():
        sale, refund = Sale.objects.get(), Refund.objects.get()
        assert (sale.number, sale.mapper, refund.reason) == ("L-1001", first + 1, None)

    # A delivery that comes again is read with the new description, and nothing old stands above.
    assert post(server, path, BODY, proof(BODY)) == 200
    settled()
    call_command("rebuild", "--source", number)


def until_kept(number: int, count: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with every_account():
            if Rejection.objects.filter(source=number).count() == count:
                return
        time.sleep(0.02)
    raise AssertionError("the rejections were not kept")


def test_how_a_source_proves_itself_follows_its_description(
    server: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = add(capsys, tmp_path, other(proof={"scheme": "header", "header": "X-Key"}))
    number, path = str(made["id"]), made["path"]
    assert (made["state"], made["unsigned"]) == ("needs_secret", True)
    assert post(server, path, BODY, {"X-Key": KEY}) == 401

    run(capsys, "source", "secret", number, "--secret", KEY)
    assert post(server, path, BODY, {"X-Key": KEY}) == 200
    assert post(server, path, BODY, {"X-Key": KEY + "x"}) == 401
    assert [one["finding"] for one in doctored(capsys, number)] == ["token"]

    address = written(tmp_path, other(proof={"scheme": "address"}))
    run(capsys, "source", "set", number, "--setting", address)
    assert post(server, path, BODY, {}) == 200
    (listed,) = run(capsys, "source", "list")["sources"]
    assert (listed["unsigned"], listed["state"]) == (True, "active")

    signed = {**json.loads(TEXT)["proof"], "header": "Authorization", "prefix": "TILL "}
    run(capsys, "source", "set", number, "--setting", written(tmp_path, other(proof=signed)))
    headers = proof(BODY, key="another")
    headers["Authorization"] = headers.pop("X-Lastochka-Signature").replace("sha256=", "TILL ")
    assert post(server, path, BODY, headers) == 401
    assert [one["finding"] for one in doctored(capsys, number, 2)] == ["token", "token"]

    bearer = written(tmp_path, other(proof={"scheme": "bearer"}))
    run(capsys, "source", "set", number, "--setting", bearer)
    assert post(server, path, BODY, {}) == 401
    assert post(server, path, BODY, {"authorization": f"Bearer {KEY}"}) == 200


def doctored(
    capsys: pytest.CaptureFixture[str], number: str, count: int = 1
) -> list[dict[str, Any]]:
    until_kept(int(number), count)
    found: list[dict[str, Any]] = run(capsys, "doctor", number)["findings"]
    return found


def test_a_source_without_a_secret_waits_for_one_as_soon_as_it_needs_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = add(capsys, tmp_path, other(proof={"scheme": "address"}))
    number = str(made["id"])
    assert (made["state"], made["secret"]) == ("active", None)
    with pytest.raises(CommandError, match="--secret"):
        call_command("source", "secret", number, "--secret", KEY)

    changed = run(capsys, "source", "set", number, "--setting", written(tmp_path))

    assert (changed["state"], changed["unsigned"]) == ("needs_secret", False)


UNUSABLE = [
    (other(proof={"scheme": "none"}), ["proof.scheme", "hmac"]),
    (other(proof={}), ["proof.scheme", "обязательно", "is required"]),
    (other(sale={"id": "@.id"}), ["sale.occurred_at"]),
    ("{", ["description", "JSON"]),
    ("", ["description"]),
]


def test_an_unusable_description_is_one_sentence_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = str(add(capsys, tmp_path, TEXT, "--secret", KEY)["id"])
    new, old = ("add", "custom", "--account", "other"), ("set", made)
    cases = [(text, words, arguments) for text, words in UNUSABLE for arguments in (new, old)]
    for text, words, arguments in cases:
        setting = written(tmp_path, text)
        with pytest.raises(CommandError) as caught:
            call_command("source", *arguments, "--setting", setting)
        assert all(word in str(caught.value) for word in words), caught.value
        assert "\n" not in str(caught.value)

    for given in ((), ("--setting", "description="), ("--setting", "description=@/no/such/file")):
        with pytest.raises(CommandError, match="description"):
            call_command("source", *new, *given)
    with every_account():
        assert Source.objects.get().settings == {"description": TEXT}


def test_a_dead_letter_names_the_place_in_the_body_and_the_setting(
    server: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = add(capsys, tmp_path, TEXT, "--secret", KEY)["path"]
    body = samples.load("custom")["SALE__no_such_sum"].body
    assert post(server, path, body, proof(body)) == 200
    settled()

    with every_account():
        letter = DeadLetter.objects.get()
    assert (letter.type, letter.path) == ("SALE", "receipts[0].items[1].sum")
    assert "sale.lines.total" in letter.reason


def test_a_kept_description_that_no_longer_works_loses_nothing(
    server: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = add(capsys, tmp_path, TEXT, "--secret", KEY)
    number, path = str(made["id"]), made["path"]
    assert post(server, path, BODY, proof(BODY)) == 200
    with every_account():
        Source.objects.update(settings={"description": '{"proof": {"scheme": "none"}}'})

    assert post(server, path, BODY, proof(BODY)) == 503
    settled()
    with every_account():
        letter = DeadLetter.objects.get()
    assert (letter.path, "body" in letter.reason) == ("$", True)
    with pytest.raises(CommandError, match="source set"):
        call_command("doctor", number)
    tried = ("source", "try", number, "--body", written(tmp_path).partition("@")[2])
    for command in (tried, ("source", "secret", number, "--secret", KEY)):
        with pytest.raises(CommandError, match=r"body: .*required"):
            call_command(*command)

    run(capsys, "source", "set", number, "--setting", written(tmp_path))
    assert post(server, path, BODY, proof(BODY)) == 200
    call_command("replay", "--outcome", "dead")
    with every_account():
        assert (Sale.objects.count(), DeadLetter.objects.filter(closed_at=None).count()) == (1, 0)


def test_the_secret_of_basic_is_a_name_and_a_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = other(proof={"scheme": "basic"})
    with pytest.raises(CommandError, match="name:password"):
        add(capsys, tmp_path, text, "--secret", "x" * 20)

    assert add(capsys, tmp_path, text, "--secret", f"till:{KEY}")["state"] == "active"


def test_a_request_is_tried_without_keeping_anything(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = add(capsys, tmp_path, TEXT, "--secret", KEY)
    (tmp_path / "body").write_bytes(BODY)
    lines = [f"{name}: {value}" for name, value in proof(BODY).items()]
    (tmp_path / "headers").write_text("\n".join(lines))
    request = ("--body", str(tmp_path / "body"), "--headers", str(tmp_path / "headers"))

    by_source = run(capsys, "source", "try", str(made["id"]), *request)
    by_file = run(capsys, "source", "try", str(tmp_path / "till.json"), *request[:2])

    assert by_source["proof"] == "верно / valid"
    assert by_file["records"] == by_source["records"]
    (record,) = by_file["records"]
    assert (record["type"], record["outcome"]) == ("SALE", "read")
    fields = {one["field"]: one for one in record["documents"][0]["fields"]}
    assert fields["lines[1].total"] == {
        "field": "lines[1].total",
        "setting": "sale.lines.total",
        "path": "receipts[0].items[1].sum",
        "found": True,
        "given": 10800,
        "value": "108.00",
    }
    assert (fields["customer"]["found"], fields["customer"]["path"]) == (
        *(False, "receipts[0].client"),
    )
    with every_account():
        assert not Sale.objects.exists()


def test_what_cannot_be_tried_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "till.json").write_text(TEXT)
    (tmp_path / "bad").write_bytes(samples.load("custom")["SALE__no_such_sum"].body)
    (tmp_path / "none").write_bytes(b"no json")
    (tmp_path / "lines").write_text("no header")
    till, bad = str(tmp_path / "till.json"), str(tmp_path / "bad")

    for body, words in ((bad, "receipts[0].items[1].sum"), (str(tmp_path / "none"), "not JSON")):
        with pytest.raises(SystemExit):
            call_command("source", "try", till, "--body", body)
        assert words in capsys.readouterr().out
    lines = ("--headers", str(tmp_path / "lines"))
    for arguments, word in (
        ((till, "--body", "/no/such/body"), "--body"),
        (("/no/such/till", "--body", bad), "description"),
        (("77", "--body", bad), "77"),
        ((till, "--body", bad, *lines), "--headers"),
    ):
        with pytest.raises(CommandError, match=word):
            call_command("source", "try", *arguments)
