"""The addresses of the API: the Russian name and its ASCII alias lead to the same view."""

from django.urls import URLPattern, path

from .resources import RESOURCES, Resource
from .views import DetailView, ListView, Root


def _addresses(resource: Resource, name: str) -> list[URLPattern]:
    return [
        path(f"{name}/", ListView.as_view(resource=resource), name=f"{name}-list"),
        path(f"{name}/<uuid:key>/", DetailView.as_view(resource=resource), name=f"{name}-detail"),
    ]


urlpatterns = [
    path("", Root.as_view(), name="root"),
    *(
        address
        for resource in RESOURCES
        for name in (resource.name, resource.alias)
        for address in _addresses(resource, name)
    ),
]
