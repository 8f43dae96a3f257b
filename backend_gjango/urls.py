"""All addresses of the Django side. The receiver is a process of its own (``asgi.py``)."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
