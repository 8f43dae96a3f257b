"""All providers' recorded days behind one address: ``/<slug>`` and then the provider's own path."""

from integrations import days
from integrations.days import PlayedApi, Question
from integrations.registry import PROVIDERS

from .server import Answering, Request, Said


def recorded() -> Answering:
    """Return what answers for every provider that can be asked. Raises DayInvalid."""
    apis = {
        slug: days.play(provider, days.load(slug))
        for slug, provider in PROVIDERS.items()
        if provider.api is not None
    }
    return lambda request: _answer(apis, request)


def _answer(apis: dict[str, PlayedApi], request: Request) -> Said:
    slug, _, path = request.path.removeprefix("/").partition("/")
    if slug not in apis:
        return Said(404, b"")
    asked = Question(request.method, f"/{path}", request.pairs, request.headers, request.body)
    return Said(*apis[slug].answer(asked))
