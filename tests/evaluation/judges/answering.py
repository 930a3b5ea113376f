"""Traces that came in with what was answered, for judges to judge."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping

import psycopg
from django.db import connection
from django.test import Client

from evaluation.judges.calls import turns
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


@contextlib.contextmanager
def turn_taken() -> Iterator[None]:
    """Another process waits for endpoints."""
    settings = connection.get_connection_params()
    for ours in ("cursor_factory", "context"):
        settings.pop(ours, None)
    with contextlib.closing(psycopg.connect(**settings)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [turns.LOCK])
        yield
        other.execute("SELECT pg_advisory_unlock(%s)", [turns.LOCK])
