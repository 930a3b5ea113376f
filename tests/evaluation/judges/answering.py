"""Traces that came in with what was answered, for judges to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.test import Client

from ingest import tokens
from ingest.models import Project, Scope


def answered(project: Project, outputs: Mapping[str, str], question: str = "Where is it?") -> None:
    """Traces by id with what was answered, through the front door."""
    token = tokens.issue(project, "test", [Scope.INGEST]).text
    bodies = [{"id": name, "input": question, "output": output} for name, output in outputs.items()]
    sent = Client(headers={"Authorization": f"Bearer {token}"}).post(
        "/api/v1/traces", json.dumps(bodies), content_type="application/json"
    )
    assert sent.status_code == 200
