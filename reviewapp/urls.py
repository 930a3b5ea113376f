"""Where every address leads. Apps are named by dotted string, so no import goes up."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from ingest.otlp import views as otlp

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/traces", otlp.traces),
    path("v1/logs", otlp.logs),
    path("v1/metrics", otlp.metrics),
]
