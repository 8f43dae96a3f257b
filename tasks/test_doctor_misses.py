"""Near-misses are tried on whatever a stranger sent, and never fail on it."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract import Delivery, Secret
from integrations.registry import PROVIDERS
from integrations.schemes import SCHEMES
from tasks.doctor.misses import Case, Named, diagnose
from tasks.doctor.texts import SENTENCES, sentence

_LATIN = st.text(st.characters(max_codepoint=255), max_size=80)
EVERY = {**SCHEMES, **{slug: one.scheme for slug, one in PROVIDERS.items()}}


@pytest.mark.parametrize("name", sorted(EVERY))
@given(body=st.binary(max_size=60), proof=_LATIN, secret=st.text(max_size=30), host=_LATIN)
def test_any_bytes_of_a_stranger_end_in_one_sentence(
    name: str, body: bytes, proof: str, secret: str, host: str
) -> None:
    scheme = EVERY[name]
    headers = {**dict.fromkeys(scheme.headers, proof), "host": host}
    secrets = (Secret(secret.encode("utf-8", "replace").decode()),)
    case = Case(
        scheme=scheme,
        delivery=Delivery("POST", "", "", headers, body, "https://hooks.example/hooks/x?y=1"),
        secrets=secrets,
        at=0,
        ended=secrets,
        others=(Named("7", secrets),),
        hosts=(host, urlsplit("http://[::1]:8000").netloc),
        urls=("https://hooks.example/hooks/z",),
    )

    miss = diagnose(case)

    assert miss.kind in SENTENCES
    assert sentence(miss, 7).count(" / ") >= 1
