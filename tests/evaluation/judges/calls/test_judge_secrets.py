"""No key and no address of an endpoint, and no prompt, is told to anybody but the operator who wrote them."""

from __future__ import annotations

import json
import logging
from importlib import import_module
from typing import Any

import pytest
from django.db.models.functions import Now

from evaluation.judges.judgments import asking, claims, judging
from evaluation.judges.making import versions
from evaluation.judges.models import EndpointHealth, Judgment, Kind, Origin, RunKind
from ingest.models import Project, Trace
from tests.conftest import Api, Person
from tests.evaluation.judges.stub import KEY, Stub

pytestmark = pytest.mark.django_db
PROMPT = "canary-of-the-prompt-9f3"
# Where a prompt is written and read by those who may write one.
EDITORS = ("judge-versions/new", "judge-versions/try", "judge-tryouts/<int:pk>")
# Each echoes the key, breaks off or says nothing that can be read, on the last attempt too.
WAYS = ["401", "400", "429", "500", "503", "reset", "not_json", "huge", "wrong_enum", "html", "empty_body"]


@pytest.fixture
def misjudged(
    api: Api, project: Project, stub: Stub, caplog: pytest.LogCaptureFixture, settings: Any
) -> pytest.LogCaptureFixture:
    """A judge whose endpoint has misbehaved in every way, with all that was logged meanwhile."""
    bodies = [{"id": f"t{n}", "input": "Where?", "output": "Here."} for n in range(len(WAYS))]
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    version = versions.create(project, "helpful", Kind.LITELLM, endpoint="orion", prompt=PROMPT)
    run = asking.start(version, RunKind.GIVEN)
    asking.ask_traces(version, [(pk, Origin.GIVEN) for pk in Trace.objects.values_list("pk", flat=True)], run)
    caplog.set_level(logging.DEBUG)
    stub.ways = [*WAYS, "401"]
    for _ in range(claims.MOST_ATTEMPTS + 1):
        judging.work(60)
        EndpointHealth.objects.update(closed_until=None)
        Judgment.objects.open().update(due_at=Now())
    assert not Judgment.objects.open().exists()
    return caplog


def addresses(prefix: str, module: str) -> list[str]:
    patterns = import_module(module).urlpatterns
    run = Judgment.objects.select_related("run").first()
    assert run is not None
    assert run.run is not None
    found = [str(each.pattern) for each in patterns]
    filled = [each.replace("<any:name>", "helpful") for each in found]
    assert filled
    return [
        prefix + each.replace("<int:pk>", str(run.run.pk if "judge-runs" in each else run.version_id))
        for each in filled
    ]


def test_no_page_answer_or_log_tells_key_address_or_prompt(
    api: Api, lead: Person, owner: Person, reviewer: Person, project: Project, stub: Stub, misjudged: Any
) -> None:
    secret = (KEY, f"127.0.0.1:{stub.port}")
    pages = addresses("/projects/refunds/", "evaluation.judges.urls")
    pages += ["/projects/refunds/traces", "/projects/refunds/traces/t0", "/projects/refunds/judges/nobody"]
    editors = tuple(each.split("<")[0] for each in EDITORS)
    for person in (lead, owner, reviewer):
        for page in pages:
            for told in (person.client.get(page), person.client.post(page)):
                text = told.getvalue().decode() if not told.streaming else b"".join(told).decode()
                assert told.status_code < 500, page
                assert not [each for each in secret if each in text], page
                is_editor = any(editor in page for editor in editors)
                assert PROMPT not in text or (is_editor and person is not reviewer), page
    for address in [
        *addresses("/api/v1/", "evaluation.judges.api_urls"),
        "/api/v1/traces/t0",
        "/api/v1/traces",
        "/metrics",
        "/api/v1/judges/nobody/calibration",
    ]:
        for client in (api(), api()):
            text = client.get(address).content.decode() + client.post(address).content.decode()
            assert not [each for each in (*secret, PROMPT) if each in text], address


def test_no_log_line_tells_key_address_or_prompt(misjudged: Any, stub: Stub) -> None:
    logging.getLogger("evaluation").warning("a line that is heard")
    records = [*misjudged.get_records("setup"), *misjudged.records]
    assert any(record.getMessage() == "a line that is heard" for record in records)
    for record in records:
        told = f"{record.getMessage()} {vars(record)}"
        assert not [each for each in (KEY, f":{stub.port}", PROMPT) if each in told], record.name


def test_what_is_kept_of_a_failed_call_names_neither(misjudged: Any, stub: Stub) -> None:
    kept = " ".join(f"{row.reason} {row.rationale} {row.votes}" for row in Judgment.objects.all())
    assert Judgment.objects.filter(progress="failed").exists()
    assert not [each for each in (KEY, str(stub.port), PROMPT) if each in kept]
