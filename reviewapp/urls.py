"""Where every address leads. Apps are named by dotted string, so no import goes up."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
