"""Parts of a document that providers share."""

from dataclasses import replace

from sales.drafts import Mention

from .cases import context_of
from .parts import shop_of
from .registry import PROVIDERS


def test_a_source_of_one_shop_is_its_merchant_unless_it_was_told_another_name() -> None:
    context = context_of(PROVIDERS["clover"])

    assert shop_of(context) is None
    context = replace(context, settings={"merchant": "MH4H92C7"})
    assert shop_of(context) == Mention(external_id="MH4H92C7")
    assert shop_of(replace(context, location="7")) == Mention(external_id="7")
