"""The small parts of the receiver: secrets, headers, addresses, cutting, languages, bounds."""

import json
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from ingest import crypto
from ingest.addresses import Refusals, TrustedProxies
from ingest.answers import TEXTS, language_of, refusal_body
from ingest.headers import decode, encode
from ingest.limits import LimitInvalid, Limits, from_environment
from ingest.redaction import CUT, cut
from tests.hearing import ROOT


def test_a_vault_decrypts_with_any_key_and_encrypts_with_the_first() -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    kept = crypto.Vault([old]).encrypt("тайна")

    assert crypto.Vault([new, old]).decrypt(kept) == "тайна"
    assert crypto.Vault([new]).decrypt(crypto.Vault([new, old]).encrypt("x")) == "x"
    with pytest.raises(crypto.VaultError, match="GJANGO_KEYS"):
        crypto.Vault([new]).decrypt(kept)
    with pytest.raises(crypto.VaultError, match="GJANGO_KEYS"):
        crypto.Vault(["not a key"])


def test_a_token_is_long_unique_and_masked() -> None:
    one, other = crypto.new_token(), crypto.new_token()

    assert len(one) >= 32
    assert one != other
    assert one not in crypto.mask(one)


def test_headers_survive_storage_without_what_must_not_be_kept() -> None:
    pairs = [
        (b"Content-Type", b"text/x; a: b"),
        (b"X-Twice", b"1"),
        (b"x-twice", b"\xff"),
        (b"AUTHORIZATION", b"Bearer canary"),
        (b"cookie", b"canary"),
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"X-Secret", b"canary"),
        (b"X-Gjango-Merchant", b"canary"),
    ]

    block = encode(pairs, hidden={"x-secret"})

    assert b"canary" not in block
    assert decode(block) == {"content-type": "text/x; a: b", "x-twice": "1, ÿ"}


def test_only_a_trusted_proxy_is_believed_and_read_from_the_right() -> None:
    proxies = TrustedProxies(["127.0.0.1", "10.0.0.0/8"])

    assert proxies.client("203.0.113.9", "1.1.1.1") == "203.0.113.9"
    assert proxies.client("127.0.0.1", "") == "127.0.0.1"
    assert proxies.client("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3") == "203.0.113.9"
    assert proxies.client("127.0.0.1", "junk") == "junk"


def test_an_address_draws_so_many_refusals_and_the_table_is_bounded() -> None:
    refusals = Refusals(Limits(refusals_per_minute=3, refusal_addresses=2))

    assert [refusals.take("a") for _ in range(3)] == [0, 0, 0]
    assert 0 < refusals.take("a") <= 20
    assert refusals.take("b") == 0
    assert refusals.take("c") == 0
    assert refusals.take("a") == 0  # forgotten, because the table holds two


@pytest.mark.parametrize(
    ("body", "paths", "expected", "found"),
    [
        (b'{"a": {"token": "x"}}', ("a.token",), b'{"a": {"token": %b}}', ["a.token"]),
        (b'{"l":[{"k":1},{"k":[2]}]}', ("l[*].k",), b'{"l":[{"k":%b},{"k":%b}]}', ["l.*.k"]),
        (b'{"token":1,"token":2}', ("$.token",), b'{"token":%b,"token":%b}', ["token"]),
        (b'{"\\u0074oken": "x"}', ("token",), b'{"\\u0074oken": %b}', ["token"]),
        (b'{"b": {"token": 1}, "n": 1.10}', ("token",), None, []),
        (b'{"a":{"b":1}}', ("a", "a.b"), b'{"a":%b}', ["a", "a.b"]),
        (b'{"token": "x", "token": ', ("token",), b'{"token": %b, "token": ', ["token"]),
        (b"not json token", ("token",), None, []),
        (b'{"token"', ("token",), None, []),
        (b"", ("token",), None, []),
    ],
)
def test_declared_values_are_cut_and_no_other_byte_changes(
    body: bytes, paths: tuple[str, ...], expected: bytes | None, found: list[str]
) -> None:
    result = body if expected is None else expected % ((CUT,) * expected.count(b"%b"))

    assert cut(body, paths) == (result, found)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["token", "a", "б\n"]), inner),
)


@given(_JSON)
def test_cutting_leaves_json_with_the_value_gone_and_the_rest_equal(value: object) -> None:
    body = json.dumps({"outer": value, "token": "canary"}).encode()

    left, found = cut(body, ("token",))

    assert found == ["token"]
    assert json.loads(left) == {"outer": value, "token": "[cut]"}


@given(st.binary(max_size=200))
def test_cutting_survives_any_bytes(body: bytes) -> None:
    cut(body, ("a.b", "*.c"))


def test_a_deep_body_is_cut_without_recursion() -> None:
    body = b"[" * 100_000 + b'{"token": 1}' + b"]" * 100_000

    assert cut(body, ("token",)) == (body, [])


def test_refusals_speak_the_senders_language() -> None:
    assert language_of("") == "ru"
    assert language_of("de, en-GB;q=0.9, ru;q=0.1") == "en"
    for code in TEXTS:
        ru, en = (
            json.loads(refusal_body(code, language=one, request_id="r")) for one in ("ru", "en")
        )
        assert ru["code"] == en["code"] == code
        assert ru["detail"] != en["detail"]
        assert ru["hint"] != en["hint"]


def test_bounds_come_from_the_environment_and_nonsense_is_named() -> None:
    limits = from_environment({"GJANGO_BODY_BYTES": "10", "GJANGO_BODY_SECONDS": "0.5"})

    assert (limits.body_bytes, limits.body_seconds) == (10, 0.5)
    assert limits.queue_rows == Limits().queue_rows
    for text in ("0", "-1", "1.5", "x", "nan"):
        with pytest.raises(LimitInvalid, match="GJANGO_BODY_BYTES"):
            from_environment({"GJANGO_BODY_BYTES": text})
    with pytest.raises(LimitInvalid, match="GJANGO_BODY_SECONDS"):
        from_environment({"GJANGO_BODY_SECONDS": "nan"})


def test_every_bound_is_in_the_table_for_people_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    limits = Limits()

    for name in Limits.__slots__:
        default = getattr(limits, name)
        assert f"| `GJANGO_{name.upper()}` | {default:g} |" in text.replace(
            f"| {default} |", f"| {default:g} |"
        )


def test_the_receivers_process_imports_no_django() -> None:
    code = (
        "import sys, ingest.receiver, tasks.wakeup, integrations.registry, backend_gjango.proxy;"
        "sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
