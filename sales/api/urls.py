"""The addresses of the API: the Russian name and its ASCII alias lead to the same view."""

from django.urls import URLPattern, path

from .resources import RESOURCES, Resource
from .writes import Collection, Override, Record, Restore


def _addresses(resource: Resource, name: str) -> list[URLPattern]:
    one = f"{name}/<uuid:key>/"
    return [
        path(f"{name}/", Collection.as_view(resource=resource), name=f"{name}-list"),
        path(one, Record.as_view(resource=resource), name=f"{name}-detail"),
        path(f"{one}restore/", Restore.as_view(resource=resource), name=f"{name}-restore"),
        path(
            f"{one}overrides/<str:field>/",
            Override.as_view(resource=resource),
            name=f"{name}-override",
        ),
    ]


#: What the root lists.
NAMES = tuple(name for resource in RESOURCES for name in (resource.name, resource.alias))
urlpatterns = [
    address
    for resource in RESOURCES
    for name in (resource.name, resource.alias)
    for address in _addresses(resource, name)
]
