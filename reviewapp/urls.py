"""Where every address leads. Apps are named by dotted string, so no import goes up."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ingest import api
from ingest import converters as _converters  # noqa: F401  (registers <any:...>)
from ingest.otlp import views as otlp
from reviewapp.serving import health
from reviewapp.views import account, audit, members, project, tokens, traces

handler500 = "reviewapp.serving.failures.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", project.start, name="start"),
    path("account", account.account, name="account"),
    path("account/theme", account.theme, name="theme"),
    path("accounts/", include("reviewapp.views.accounts")),
    path("projects/<slug:slug>/", project.project, name="project"),
    path("projects/<slug:slug>/traces", traces.traces, name="traces"),
    path("projects/<slug:slug>/traces.jsonl", traces.export_traces, name="export_traces"),
    path("projects/<slug:slug>/traces/<any:trace_id>", traces.trace, name="trace"),
    path("projects/<slug:slug>/trace-json/<any:trace_id>", traces.trace_json, name="trace_json"),
    path("projects/<slug:slug>/trace-span/<any:trace_id>", traces.trace_span, name="trace_span"),
    path("projects/<slug:slug>/trace-volume", traces.trace_volume, name="trace_volume"),
    path("projects/<slug:slug>/trace-values", traces.trace_values, name="trace_values"),
    path("projects/<slug:slug>/trace-columns", traces.trace_columns, name="trace_columns"),
    path("projects/<slug:slug>/members", members.members, name="members"),
    path("projects/<slug:slug>/members/<int:pk>/role", members.change_role, name="change_role"),
    path("projects/<slug:slug>/members/<int:pk>/remove", members.remove, name="remove_member"),
    path("projects/<slug:slug>/tokens", tokens.tokens, name="tokens"),
    path("projects/<slug:slug>/tokens/<int:pk>/revoke", tokens.revoke, name="revoke_token"),
    path("projects/<slug:slug>/audit", audit.audit, name="audit"),
    path("projects/<slug:slug>/settings", project.settings, name="settings"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("api/v1/", api.urls()),
    *otlp.urls("v1"),
    *otlp.urls("api/public/otel/v1", basic=True),
]
