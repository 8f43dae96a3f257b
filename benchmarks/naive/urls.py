from django.urls import path

from .views import NaiveHook, plain

urlpatterns = [path("naive", NaiveHook.as_view()), path("plain", plain)]
