"""The addresses of events: the Russian names and their ASCII aliases lead to the same views."""

from django.urls import URLPattern, path

from . import views

#: What the root lists: name → the address of its list.
ADDRESSES = {
    "события": "события/",
    "events": "events/",
    "неразобранное": "события/неразобранное/",
    "dead-letters": "events/dead-letters/",
}
NAMES = tuple(ADDRESSES)


def _events(name: str) -> list[URLPattern]:
    at = ADDRESSES[name]
    return [
        path(at, views.Events.as_view(), name=f"{name}-list"),
        path(f"{at}<int:key>/", views.OneEvent.as_view(), name=f"{name}-detail"),
    ]


def _letters(name: str) -> list[URLPattern]:
    at = ADDRESSES[name]
    one = f"{at}<int:key>/"
    return [
        path(at, views.Letters.as_view(), name=f"{name}-list"),
        path(f"{at}groups/", views.Groups.as_view(), name=f"{name}-groups"),
        path(f"{at}requeue/", views.Requeue.as_view(), name=f"{name}-requeue"),
        path(f"{at}drop/", views.Drop.as_view(), name=f"{name}-drop"),
        path(one, views.OneLetter.as_view(), name=f"{name}-detail"),
        path(f"{one}body/", views.LetterBody.as_view(), name=f"{name}-body"),
        path(f"{one}requeue/", views.RequeueOne.as_view(), name=f"{name}-requeue-one"),
        path(f"{one}drop/", views.DropOne.as_view(), name=f"{name}-drop-one"),
    ]


urlpatterns = [
    *_events("события"),
    *_events("events"),
    *_letters("неразобранное"),
    *_letters("dead-letters"),
]
