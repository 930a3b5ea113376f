"""An endpoint for judges that answers as told, in the operator's list under the name `orion`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from ingest import tokens
from ingest.models import Project, Scope
from tests.evaluation.judges import stub as stubs
from tests.evaluation.judges.stub import KEY, Stub


@pytest.fixture(scope="session")
def running() -> Iterator[Stub]:
    with stubs.serving() as stub:
        yield stub


@pytest.fixture
def stub(running: Stub, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Stub:
    file = tmp_path / "judges.toml"
    file.write_text(
        "[[endpoint]]\n"
        'name = "orion"\nmodel = "openai/orion-mini-2026-08-11"\nkey = "ORION_KEY"\n'
        f'base_url = "http://127.0.0.1:{running.port}/v1"\n'
        "input_price = 1.0\noutput_price = 10.0\ntimeout = 1.0\n"
    )
    settings.JUDGES_FILE = str(file)
    settings.JUDGE_MONTHLY_BUDGET = 50.0
    monkeypatch.setenv("ORION_KEY", KEY)
    running.calls.clear()
    running.ways = ["good"]
    running.model = stubs.MODEL
    return running


def answered(project: Project, outputs: Mapping[str, str], question: str = "Where is it?") -> None:
    """Traces by id with what was answered, through the front door."""
    token = tokens.issue(project, "test", [Scope.INGEST]).text
    bodies = [{"id": name, "input": question, "output": output} for name, output in outputs.items()]
    sent = Client(headers={"Authorization": f"Bearer {token}"}).post(
        "/api/v1/traces", json.dumps(bodies), content_type="application/json"
    )
    assert sent.status_code == 200
