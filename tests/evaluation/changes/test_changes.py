"""What changes is found once, drawn, and looked at closer for two hours by rows that end by themselves."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evaluation.changes import finding, following_up, tasks, telling
from evaluation.changes.models import ChangeEvent
from evaluation.judges.judgments import nightly
from evaluation.judges.making import versions
from evaluation.judges.models import (
    Anchor,
    AnchorSet,
    AnsweredModel,
    JudgeRun,
    JudgeVersion,
    Judgment,
    Kind,
)
from ingest import rates
from ingest import tasks as ingest_tasks
from ingest.models import Cause, Project, SamplingRate, Trace
from reviewapp.review import snapshots
from tests.conftest import Api, Person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_seen", {"slice": 0})


def seen(api: Api, name: str, minutes: float, count: int = 1, **fields: Any) -> None:
    """Traces that began so many minutes ago, settled."""
    at = timezone.now() - timedelta(minutes=minutes)
    bodies = [
        {
            "id": f"{name}-{i}", "input": "?", "output": "!", **fields,
            "started_at": (at + timedelta(seconds=i)).isoformat(),
            "ended_at": (at + timedelta(seconds=i)).isoformat(),
        }
        for i in range(count)
    ]  # fmt: skip
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    Trace.objects.filter(draw=None).update(first_seen=timezone.now() - timedelta(minutes=minutes))
    Trace.objects.filter(draw=None).update(last_seen=timezone.now() - timedelta(minutes=11))
    ingest_tasks.read_stale()
    ingest_tasks.settle_due()


def live_with_anchors(project: Project) -> JudgeVersion:
    version = versions.create(project, "helpful", Kind.RULES, parameters={"rules": []})
    JudgeVersion.objects.filter(pk=version.pk).update(
        stage="live", live_at=timezone.now() - timedelta(days=9)
    )
    anchors = AnchorSet.objects.create(judge=version.judge, name="a", frozen_at=timezone.now())
    for trace in Trace.objects.filter(project=project).order_by("pk")[:3]:
        Anchor.objects.create(
            anchor_set=anchors, trace=trace, snapshot=snapshots.of_trace(trace), verdict="pass"
        )
    version.refresh_from_db()
    return version


def test_a_new_model_is_found_once_and_looked_at_closer(api: Api, project: Project) -> None:
    rates.set_by_hand(project, "refund", 0.02, 0.1, by="leo")
    seen(api, "old", 1500, 3, model="m-1", route="refund")
    live_with_anchors(project)
    tasks.watch()
    assert list(telling.changes(project)) == []
    assert set(ChangeEvent.objects.values_list("follow_up", flat=True)) == {"the first one"}
    seen(api, "new", 20, 4, model="m-2", route="refund")
    seen(api, "more", 15, 2, model="m-2", route="refund")
    tasks.watch()
    tasks.watch()
    (event,) = telling.changes(project)
    assert (event.kind, event.value, event.routes) == ("model", "m-2", ["refund"])
    assert event.follow_up == "looked at closer for 2 h; rates raised on 1 route; 3 anchors judged again"
    assert event.at == Trace.objects.get(trace_id="new-0").started_at
    boosts = SamplingRate.objects.order_by("effective_from").values_list("cause", "audit", "judge")
    assert list(boosts) == [("manual", 0.02, 0.1), ("boost", 0.1, 0.9), ("boost_end", 0.02, 0.1)]
    first, last = SamplingRate.objects.filter(cause__in=(Cause.BOOST, Cause.BOOST_END)).order_by(
        "effective_from"
    )
    assert last.effective_from - first.effective_from == timedelta(hours=2)
    assert "model m-2" in first.reason
    assert first.effective_from > timezone.now() - timedelta(minutes=4), "forward only"
    assert Judgment.objects.filter(origin="anchor").count() == 3


def test_judges_see_at_most_a_thousand_an_hour(api: Api, project: Project) -> None:
    assert following_up.judged_share(project) == 1.0
    seen(api, "t", 65, 5, route="a")
    begin = Trace.objects.order_by("pk")[0]
    hour = begin.started_at.replace(minute=0, second=0, microsecond=0)
    Trace.objects.bulk_create(
        [Trace(project=project, trace_id=f"x{i}", started_at=hour, route="a") for i in range(3995)]
    )
    assert following_up.judged_share(project) == pytest.approx(0.25, abs=0.01)
    rates.set_by_hand(project, "a", 0.01, 0.1, by="leo")
    following_up.boost(project, [], "x")
    boosted = SamplingRate.objects.get(cause=Cause.BOOST)
    assert boosted.audit == pytest.approx(0.05)
    assert boosted.audit + boosted.judge == pytest.approx(0.25, abs=0.01)


def test_old_news_and_too_much_of_it_raise_nothing(api: Api, project: Project) -> None:
    seen(api, "old", 9000, 1, model="m-1")
    seen(api, "then", 8000, 1, model="m-2")
    tasks.watch()
    assert telling.changes(project)[0].follow_up == "too long ago to look closer now"
    rates.set_by_hand(project, "", 0.02, 0.1, by="leo")
    seen(api, "now", 30, 3)
    for i in range(following_up.MOST_A_DAY):
        finding.note(project.pk, "deploy", f"v{i}", timezone.now(), told_by="ci")
    tasks.watch()
    deploys = ChangeEvent.objects.filter(kind="deploy")
    told = list(deploys.values_list("follow_up", flat=True))
    assert sum(words.startswith("looked at closer") for words in told) == 1, "one boost at a time"
    assert sum("nothing to raise" in words for words in told) == following_up.MOST_A_DAY - 1
    assert SamplingRate.objects.filter(cause=Cause.BOOST).count() == 1
    deploys.update(follow_up=following_up.CLOSER)
    finding.note(project.pk, "deploy", "one more", timezone.now(), told_by="ci")
    tasks.watch()
    assert "within a day already" in ChangeEvent.objects.get(value="one more").follow_up


def test_judges_that_go_live_and_models_behind_an_alias_are_changes(api: Api, project: Project) -> None:
    seen(api, "t", 100, 3)
    version = live_with_anchors(project)
    at = timezone.now() - timedelta(days=2)
    for days, model in ((0, "orion-1"), (1, "orion-2")):
        AnsweredModel.objects.create(version=version, model=model, first_at=at + timedelta(days=days))
    tasks.watch()
    (event,) = telling.changes(project)
    assert (event.kind, event.value) == ("answered", "orion-2")
    assert "orion-2 answers for judge helpful v1, not orion-1" in event.words
    day = event.at.date()
    ((marked, words, of_judge),) = telling.on_chart(project, "helpful", day, day)
    assert (marked, of_judge) == (day, True)
    assert words == event.words
    assert telling.on_chart(project, "other", day, day) == []


def test_excluded_and_imported_traces_change_nothing(api: Api, project: Project) -> None:
    seen(api, "a", 50, 1, model="m-1")
    seen(api, "b", 40, 1, model="m-2", environment="playground")
    seen(api, "c", 30, 1, model="m-3", environment="imported")
    finding.find()
    assert list(ChangeEvent.objects.filter(kind="model").values_list("value", flat=True)) == ["m-1"]


def test_the_api_tells_and_reads(api: Api, project: Project, other_project: Project) -> None:
    client = api("runs:write", "quality:read")
    body = {
        "kind": "deploy",
        "value": "v41",
        "subject": "api",
        "at": "2026-01-05T10:00:00Z",
        "words": "Friday",
    }

    def post(sent: Any) -> Any:
        return client.post("/api/v1/changes", sent, content_type="application/json")

    assert [post(body).status_code for _ in range(2)] == [201, 200]
    assert post({**body, "at": "2026-01-06T10:00:00Z"}).status_code == 201, "a redeploy is another change"
    (newest, first) = client.get("/api/v1/changes").json()["changes"]
    assert (first["value"], first["told_by"], newest["at"][:10]) == ("v41", "test", "2026-01-06")
    wrongs: list[Any] = [{}, [], {"kind": "x", "value": "1"}, {"kind": "deploy", "value": ""}]
    odd = ({"at": "soon"}, {"at": "2999-01-01T00:00:00Z"}, {"words": "x" * 301})
    for wrong in [*wrongs, *({**body, **each} for each in odd)]:
        assert post(wrong).status_code == 422
    assert client.post("/api/v1/changes", "{", content_type="application/json").status_code == 400
    assert post({"kind": "other", "value": "a\0b"}).status_code == 201
    assert (
        api("quality:read").post("/api/v1/changes", body, content_type="application/json").status_code == 403
    )
    assert api(of=other_project).get("/api/v1/changes").json() == {"changes": []}


def test_the_page_lists_tells_and_is_for_leads(
    lead: Person, reviewer: Person, stranger: Person, project: Project, django_assert_max_num_queries: Any
) -> None:
    address = "/projects/refunds/changes"
    assert "Nothing has changed yet." in lead.client.get(address).content.decode()
    assert lead.client.post(address, {"kind": "deploy", "value": ""}).status_code == 422
    assert lead.client.post(address, {"kind": "deploy", "value": "<b>v2</b>"}).status_code == 302
    for i in range(60):
        finding.note(project.pk, "other", f"o{i}", timezone.now(), told_by="ci")
    with django_assert_max_num_queries(12):
        told = lead.client.get(address, {"page": "2"}).content.decode()
    assert "&lt;b&gt;v2&lt;/b&gt;" in told
    assert "51–61 of 61" in told
    assert reviewer.client.get(address).status_code == 403
    assert stranger.client.get(address).status_code == 404


def test_the_night_asks_once_for_sample_and_anchors(api: Api, project: Project, monkeypatch: Any) -> None:
    seen(api, "t", 30, 5)
    version = live_with_anchors(project)
    now = timezone.localtime()
    monkeypatch.setattr(nightly, "BEGINS_AT", now.hour)
    assert nightly.run_due() == 5 + 3
    assert nightly.run_due() == 0
    assert set(JudgeRun.objects.values_list("version", "kind", "asked_by")) == {
        (version.pk, "sample", "nightly"), (version.pk, "anchors", "nightly"),
    }  # fmt: skip
    JudgeRun.objects.update(asked_at=now - timedelta(days=1))
    assert nightly.run_due() == 3
    assert nightly.begin(now.replace(hour=0)) is None or now.hour == 0
