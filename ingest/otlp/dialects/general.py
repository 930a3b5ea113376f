"""What OpenTelemetry's general conventions say of any span, and `touchstone.*` attributes."""

from __future__ import annotations

from ingest.json_objects import Json
from ingest.otlp.facts import Facts, SpanView
from ingest.otlp.values import first_number, first_text, scalars


def read(view: SpanView) -> Facts:
    attributes = view.attributes
    error_type, error_message = _exception(view)
    return Facts(
        session_id=first_text(attributes, "touchstone.session.id", "session.id"),
        user_id=first_text(attributes, "touchstone.user.id", "user.id", "enduser.id", "enduser.pseudo.id"),
        stated_input=first_text(attributes, "touchstone.input"),
        stated_output=first_text(attributes, "touchstone.output"),
        prompt_name=first_text(attributes, "touchstone.prompt.name"),
        prompt_version=first_text(attributes, "touchstone.prompt.version"),
        route=first_text(attributes, "touchstone.route"),
        http_route=first_text(attributes, "http.route"),
        environment=_environment(attributes, view.span.resource),
        cost_usd=first_number(attributes, "touchstone.cost_usd"),
        error_type=first_text(attributes, "error.type") or error_type,
        error_message=error_message,
        tags=scalars(attributes.get("touchstone.tags")),
    )


def _environment(attributes: Json, resource: Json) -> str:
    keys = ("deployment.environment.name", "deployment.environment")
    return first_text(attributes, "touchstone.environment", *keys) or first_text(resource, *keys)


def _exception(view: SpanView) -> tuple[str, str]:
    """Type and message of the last exception, if the span failed: a handled one may be recorded, too."""
    if view.span.status == "error":
        for event in reversed(view.events):
            if event.name == "exception":
                attributes = event.attributes
                return first_text(attributes, "exception.type"), first_text(attributes, "exception.message")
    return "", ""
