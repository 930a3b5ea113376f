"""Where every address leads. Apps are named by dotted string, so no import goes up."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ingest import api
from ingest import converters as _converters  # noqa: F401  (registers <any:...>)
from ingest.importers import views as langfuse
from ingest.otlp import views as otlp
from reviewapp.review import api as _review_api  # noqa: F401  (adds its operations to the native API)
from reviewapp.serving import health
from reviewapp.views import (
    account,
    audit,
    feedback_door,
    members,
    project,
    queues,
    rates,
    redaction,
    review,
    routing,
    tokens,
    trace_checks,
    traces,
)

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
    path("projects/<slug:slug>/queues", queues.queues, name="queues"),
    path("projects/<slug:slug>/enqueue", queues.enqueue, name="enqueue"),
    path("projects/<slug:slug>/queues/<slug:queue>/review", review.review, name="review"),
    path("projects/<slug:slug>/queues/<slug:queue>/standing", review.queue_standing, name="queue_standing"),
    path("projects/<slug:slug>/queues/<slug:queue>/finish", review.finish, name="finish"),
    path("projects/<slug:slug>/items/<int:pk>", review.item, name="item"),
    path("projects/<slug:slug>/items/<int:pk>/submit", review.submit_label, name="submit_label"),
    path("projects/<slug:slug>/items/<int:pk>/draft", review.save_draft, name="save_draft"),
    path("projects/<slug:slug>/items/<int:pk>/heartbeat", review.heartbeat, name="heartbeat"),
    path("projects/<slug:slug>/items/<int:pk>/skip", review.skip, name="skip"),
    path("projects/<slug:slug>/items/<int:pk>/flag", review.flag, name="flag"),
    path("projects/<slug:slug>/items/<int:pk>/undo", review.undo, name="undo"),
    path("projects/<slug:slug>/items/<int:pk>/retake", review.retake, name="retake"),
    path("projects/<slug:slug>/items/<int:pk>/change", review.change_mind, name="change_mind"),
    path("projects/<slug:slug>/items/<int:pk>/diff", review.diff, name="diff"),
    path("projects/<slug:slug>/routing", routing.routing, name="routing"),
    path("projects/<slug:slug>/routing/new", routing.new_rule, name="new_rule"),
    path("projects/<slug:slug>/routing/defaults", routing.add_default_rules, name="add_default_rules"),
    path("projects/<slug:slug>/routing/<int:pk>", routing.rule, name="rule"),
    path("projects/<slug:slug>/routing/<int:pk>/move", routing.move_rule, name="move_rule"),
    path("projects/<slug:slug>/routing/<int:pk>/switch", routing.switch_rule, name="switch_rule"),
    path("projects/<slug:slug>/routing/<int:pk>/delete", routing.delete_rule, name="delete_rule"),
    path("projects/<slug:slug>/rates", rates.rates, name="rates"),
    path("projects/<slug:slug>/rates/stratum", rates.rate, name="rate"),
    path("projects/<slug:slug>/rates/boost", rates.boost, name="boost_rate"),
    path("projects/<slug:slug>/rates/by-volume", rates.hand_back, name="hand_back_rate"),
    path("projects/<slug:slug>/checks", trace_checks.checks, name="checks"),
    path("projects/<slug:slug>/checks/<slug:name>", trace_checks.check, name="check"),
    path("projects/<slug:slug>/redaction", redaction.redaction, name="redaction"),
    path("projects/<slug:slug>/redaction/policy", redaction.save_redaction, name="save_redaction"),
    path("projects/<slug:slug>/redaction/preview", redaction.preview_redaction, name="preview_redaction"),
    path("projects/<slug:slug>/feedback-settings", feedback_door.feedback_settings, name="feedback_settings"),
    path(
        "projects/<slug:slug>/feedback-settings/key",
        feedback_door.change_feedback_key,
        name="change_feedback_key",
    ),
    path("projects/<slug:slug>/members", members.members, name="members"),
    path("projects/<slug:slug>/members/<int:pk>/role", members.change_role, name="change_role"),
    path("projects/<slug:slug>/members/<int:pk>/remove", members.remove, name="remove_member"),
    path("projects/<slug:slug>/tokens", tokens.tokens, name="tokens"),
    path("projects/<slug:slug>/tokens/<int:pk>/revoke", tokens.revoke, name="revoke_token"),
    path("projects/<slug:slug>/audit", audit.audit, name="audit"),
    path("projects/<slug:slug>/settings", project.settings, name="settings"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("projects/<slug:slug>/", include("evaluation.golden.urls")),
    path("projects/<slug:slug>/", include("evaluation.judges.urls")),
    path("api/v1/", include("evaluation.golden.api_urls")),
    path("api/v1/", include("evaluation.judges.api_urls")),
    path("api/v1/", api.urls()),
    *otlp.urls("v1"),
    *otlp.urls("api/public/otel/v1", basic=True),
    *langfuse.urls(),
]
