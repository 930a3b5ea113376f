"""The pages of judges: for leads only, every figure with its n, and nothing of other projects."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from evaluation.judges.judgments import asking, judging
from evaluation.judges.making import versions
from evaluation.judges.models import (
    AnchorSet,
    Certificate,
    Disagreement,
    JudgeVersion,
    Judgment,
    Kind,
    LastLook,
    Origin,
    RunKind,
)
from evaluation.judges.trust import certificates
from ingest import tasks as ingest_tasks
from ingest.models import AuditDraw, Project, Trace
from tests.conftest import Person
from tests.evaluation.judges.lines import line, load, table
from tests.reviewapp.review.making import make_queue

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\u202e"


def page(client: Client, path: str, **query: str) -> str:
    response = client.get(f"/projects/refunds/{path}", query)
    assert response.status_code == 200, path
    return response.content.decode()


def test_the_sentence_stands_first_with_interval_and_counts(lead: Person, project: Project) -> None:
    load(project, table(44, 14, 7, 347, pi=0.05))
    told = page(lead.client, "judges/helpful")
    assert "This judge misses 24 % of real failures" in told
    assert '95 % CI 15–37, <a href="?cell=fn#disagreements">14 of 58</a>' in told
    assert "raises a false alarm on 2 % of good answers" in told
    assert "CARE" in told
    assert told.count("data-row") == 21


def test_a_point_leads_to_the_traces_of_its_own_week(lead: Person, project: Project) -> None:
    load(project, table(4, 4, 4, 20, pi=0.5, timestamp="2026-08-05T09:00:00Z"))
    told = page(lead.client, "judges/helpful")
    assert '<a href="/projects/refunds/traces?from=2026-08-03&amp;to=2026-08-09">2026-08-03</a>' in told
    assert 'from=2026-07-13&amp;to=2026-08-09"' in told, "a corrected rate is of four weeks"
    assert "to=2026-08-10" not in told


def test_long_parameters_are_counted_and_told_in_full_on_demand(lead: Person, project: Project) -> None:
    rules = [{"contains": f"fault {n}", "weight": 0.9} for n in range(40)]
    versions.create(project, "many", Kind.RULES, parameters={"rules": rules, "threshold": 0.5})
    told = page(lead.client, "judges/many")
    assert "<summary>40 rules, threshold 0.5</summary>" in told
    assert "fault 39" in told
    versions.create(project, "few", Kind.RULES, parameters={"threshold": 0.25})
    assert '<dd class="mono">threshold 0.25</dd>' in page(lead.client, "judges/few")


def test_how_long_the_certificate_holds_is_told(lead: Person, project: Project) -> None:
    load(project, table(40, 4, 4, 300, pi=0.5))
    version = JudgeVersion.objects.get()
    assert "<dt>Certificate</dt><dd>none yet</dd>" in page(lead.client, "judges/helpful")
    issued = certificates.issue(version)
    assert f"TRUSTED until {issued.expires_at:%-d %b %Y}" in page(lead.client, "judges/helpful")
    Certificate.objects.update(expires_at=timezone.now())
    assert "<dd>expired on" in page(lead.client, "judges/helpful")
    certificates.take_back(version, "the alarm rang")
    assert "taken back: the alarm rang" in page(lead.client, "judges/helpful")


def test_all_that_was_drawn_is_asked_for_at_once(
    lead: Person, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "CHUNK", 2)
    version = versions.create(project, "helpful", Kind.RULES, parameters={"rules": []})
    traces = Trace.objects.bulk_create(
        Trace(project=project, trace_id=f"t{n}", started_at=timezone.now()) for n in range(5)
    )
    AuditDraw.objects.bulk_create(AuditDraw(trace=each, u=0.1, audit=0.2, judge=0.2) for each in traces)
    asked = {"what": "drawn"}
    told = lead.client.post(f"/projects/refunds/judge-versions/{version.pk}/run", asked, follow=True)
    assert "5 to judge" in told.content.decode()


def test_cells_lead_to_their_traces(lead: Person, project: Project) -> None:
    load(project, table(2, 1, 3, 4))
    assert page(lead.client, "judges/helpful", cell="fp").count("data-row") == 3
    told = page(lead.client, "judges/helpful", cell="fn")
    assert "/projects/refunds/traces/trace-2" in told


def test_second_opinions_thresholds_and_probes_lead_to_their_traces(lead: Person, project: Project) -> None:
    rows = table(30, 10, 10, 150, pi=0.5)
    for n, each in enumerate(rows):
        each["judges"][0]["score"] = 0.35 if n in (30, 31) else 0.8 if n < 30 or 40 <= n < 50 else 0.1
        each["output"] = f"{'I apologise! ' * (n % 4 == 0)}Order {n} is on its way{'.' * (n % 7)}"
        each["labels"].append({"annotator": "bob", "verdict": each["labels"][0]["verdict"]})
    rows[150]["labels"].append({"annotator": "cem", "verdict": "fail"})
    load(project, rows)
    ingest_tasks.read_stale(timedelta(0))
    told = page(lead.client, "judges/helpful")
    for query in ("cell=all", "cell=twice", "cell=judge-fails", "cell=people-fail", "cell=scored"):
        assert f'href="?{query}#disagreements"><b>' in told, query
    assert 'href="?cell=tone#disagreements">50 of 200</a>' in told
    assert 'href="?cell=fn&amp;at=0.3#disagreements"><b>20 %</b>' in told
    assert 'href="?cell=judge-fails&amp;at=0.9#disagreements"><b>0 %</b>' in told

    def listed(**query: str) -> int:
        return page(lead.client, "judges/helpful", **query).count("data-row")

    assert [listed(cell="fn", at=at) for at in ("0.1", "0.3", "0.4")] == [0, 8, 10]
    assert (listed(cell="fp", at="0.9"), listed(at="0.3"), listed(cell="tone")) == (0, 18, 25)
    assert "Traces: missed, if it failed from 0.30 on" in page(
        lead.client, "judges/helpful", cell="fn", at="0.3"
    )
    assert "/traces/trace-150" in page(lead.client, "judges/helpful", cell="twice"), "they disagree on it"
    more = page(lead.client, "judges/helpful", cell="judge-fails", at="0.1")
    assert "?cell=judge-fails&amp;at=0.1&amp;page=2#disagreements" in more
    assert "There is none." in page(lead.client, "judges/helpful", cell="judge-fails", at="0.9")


def test_scores_stand_recalibrated_beside_the_diagram(lead: Person, project: Project) -> None:
    few = table(30, 10, 10, 150, pi=0.5)
    for each in few:
        each["judges"][0]["score"] = 0.9 if each["judges"][0]["verdict"] == "fail" else 0.3
    load(project, few)
    told = page(lead.client, "judges/helpful")
    assert "Not recalibrated: 40 labelled failures with a score, 50 needed." in told
    many = table(60, 10, 10, 150, pi=0.5)
    for each in many:
        each["judges"][0]["score"] = 0.9 if each["judges"][0]["verdict"] == "fail" else 0.3
    load(project, many)
    told = page(lead.client, "judges/helpful")
    assert "Recalibration would improve its scores: Brier" in told
    assert "isotonic regression from 1,000 labels on" in told
    assert "n = 230" in told
    assert told.count('title="Recalibrated"') == 20


def test_uneven_weights_of_imported_labels_are_said(lead: Person, project: Project) -> None:
    """One label that stands for millions makes an interval look narrower than it is."""
    load(project, [*table(20, 5, 5, 60, pi=0.5), line(200, "pass", "pass", pi=0.00001)])
    assert "weights differ by more than 5x" in page(lead.client, "judges/helpful")


def test_an_unknown_sampling_is_said(lead: Person, project: Project) -> None:
    load(project, table(5, 5, 5, 25))
    assert "the figures hold for them and not for production" in page(lead.client, "judges/helpful")


def test_states_without_data_say_what_to_do(lead: Person, project: Project) -> None:
    assert "import_labels" in page(lead.client, "judges")
    versions.create(project, "empty", Kind.RULES, parameters={"rules": []})
    told = page(lead.client, "judges/empty")
    assert "Nobody has labelled a trace that this judge has judged." in told
    assert '<a class="button primary" href="#running">Let it judge</a>' in told
    assert "Read 0 disagreements" not in told
    assert "INCONCLUSIVE" in told


def test_the_only_rubric_is_chosen_already(lead: Person, project: Project) -> None:
    make_queue(project)
    told = page(lead.client, "judge-versions/new")
    chosen = told[told.index('name="rubric"') :]
    assert chosen.index(" selected>") < chosen.index("</select>")


def test_a_cause_is_named_once_and_changed_by_naming_again(lead: Person, project: Project) -> None:
    load(project, table(0, 1, 0, 1))
    trace = Trace.objects.get(trace_id="trace-0")
    for cause in ("human_wrong", "judge_wrong"):
        response = lead.client.post(
            "/projects/refunds/judges/helpful/cause",
            {"trace": trace.pk, "cause": cause},
            headers={"HX-Request": "true"},
        )
        assert response.status_code == 200
    assert Disagreement.objects.get().cause == "judge_wrong"
    assert "Judge wrong" in response.content.decode()
    bad = lead.client.post(
        "/projects/refunds/judges/helpful/cause", {"trace": "9" * 30, "cause": "judge_wrong"}
    )
    assert bad.status_code == 404


def test_what_stood_there_last_time_is_told(lead: Person, project: Project) -> None:
    load(project, table(5, 5, 5, 25))
    assert "Since you last looked" not in page(lead.client, "judges/helpful")
    load(project, [line(900, "fail", "pass")])
    told = page(lead.client, "judges/helpful")
    assert "Since you last looked" in told
    assert "40 → 41 labels" in told
    assert 'TPR .50 <span class="faint">(.24–.76, n = 10)</span>' in told, "no share without interval and n"
    assert "TNR .83" not in told, "what has not changed is not told"
    assert re.search(r'New disagreements: <a href="[^"]*/trace-900">[^<]*</a></p>', told)
    assert "Since you last looked" in page(lead.client, "judges/helpful"), "it stays while it is read"


def test_another_part_of_the_pairs_is_no_change_since_the_last_look(lead: Person, project: Project) -> None:
    """Nor is an older version, which is looked at on purpose."""
    load(project, table(5, 5, 5, 25, slice={"route": "returns"}))
    load(project, [line(n, "pass", "pass", slice={"route": "orders"}) for n in range(100, 110)])
    other = {"judge": "helpful", "version": "v2", "model": "orion-2", "verdict": "pass"}
    load(project, [line(300, "fail", "pass", judges=[other])])
    for query in ({}, {"slice": "route=orders"}, {"window": "7d"}, {"version": "v1"}, {"version": "v2"}):
        assert "Since you last looked" not in page(lead.client, "judges/helpful", **query), query


def test_a_look_ends_where_nobody_has_looked_for_half_an_hour(lead: Person, project: Project) -> None:
    load(project, table(5, 5, 5, 25))
    page(lead.client, "judges/helpful")
    load(project, [line(900, "fail", "pass")])
    assert "40 → 41 labels" in page(lead.client, "judges/helpful")
    LastLook.objects.update(at=timezone.now() - timedelta(hours=1))
    assert "Since you last looked" not in page(lead.client, "judges/helpful"), "that has been read"
    LastLook.objects.update(at=timezone.now() - timedelta(hours=1))
    load(project, [line(901, "fail", "fail")])
    assert "41 → 42 labels" in page(lead.client, "judges/helpful")


def test_strangers_text_is_text(lead: Person, project: Project) -> None:
    hostile = line(1, "fail", "pass", id=f"t{HOSTILE}", input=HOSTILE, slice={"route": HOSTILE, "model": "m"})
    hostile["judges"][0] |= {"judge": f"j {HOSTILE}", "version": HOSTILE, "model": HOSTILE}
    other = line(2, "pass", "pass", slice={"route": "x", "model": "m"})
    other["judges"] = hostile["judges"]
    load(project, [hostile, other])
    for path in ("judges", f"judges/j {HOSTILE}"):
        told = page(lead.client, path)
        assert "<script>alert" not in told
        assert "\u202e" not in told


def test_odd_addresses_are_not_found_or_fall_back(lead: Person, project: Project) -> None:
    load(project, [line(1, "fail", "pass")])
    for query in ("version=9", "window=x", "slice=user=1", "version=%00"):
        assert lead.client.get(f"/projects/refunds/judges/helpful?{query}").status_code == 404
    page(lead.client, "judges/helpful", page="99999", measure="x", cell="y", width="z", at="NaN")
    page(lead.client, "judges/helpful", cell="tp", at="0.3")
    page(lead.client, "judges/helpful", cell="length", page="0")
    assert lead.client.get("/projects/refunds/judges/nobody").status_code == 404


DOORS = [
    ("get", "judges"),
    ("get", "judges/helpful"),
    ("get", "judges/helpful/pairs.csv"),
    ("get", "judges/helpful/certificate.json"),
    ("get", "judge-versions/new"),
    ("post", "judges/helpful/cause"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_reviewers_and_strangers_stay_outside(
    reviewer: Person, stranger: Person, project: Project, method: str, path: str
) -> None:
    load(project, [line(1, "fail", "pass")])
    for person, status in ((reviewer, 403), (stranger, 404)):
        assert getattr(person.client, method)(f"/projects/refunds/{path}").status_code == status


@pytest.mark.parametrize("action", ["go-live", "anchors", "run", "runs"])
def test_versions_of_other_projects_are_not_found(lead: Person, other_project: Project, action: str) -> None:
    theirs = versions.create(other_project, "theirs", Kind.RULES, parameters={"rules": []})
    method = lead.client.get if action == "runs" else lead.client.post
    assert method(f"/projects/refunds/judge-versions/{theirs.pk}/{action}").status_code == 404


def test_queries_do_not_grow_with_judges_and_pairs(
    lead: Person, project: Project, django_assert_max_num_queries: Any
) -> None:
    load(project, table(5, 5, 5, 25))
    page(lead.client, "judges/helpful")
    with django_assert_max_num_queries(24):
        page(lead.client, "judges/helpful")
    judges = [{"judge": f"j{i}", "verdict": "fail"} for i in range(8)]
    load(project, table(5, 5, 5, 25, judges=judges))
    page(lead.client, "judges")
    with django_assert_max_num_queries(10):
        page(lead.client, "judges")


def test_the_next_version_begins_with_the_one_looked_at(
    lead: Person, project: Project, other_project: Project
) -> None:
    asked = {"rules": [{"contains": "as an ai"}], "threshold": 0.25}
    made = versions.create(project, "shop", Kind.RULES, parameters=asked)
    theirs = versions.create(other_project, "theirs", Kind.RULES, parameters={"threshold": 0.75})
    form = lead.client.get("/projects/refunds/judge-versions/new?name=shop&version=1").context["form"]
    assert form["name"].value() == "shop"
    assert json.loads(form["parameters"].value()) == asked
    again = {name: form[name].value() or "" for name in form.fields}
    assert versions.create(project, "shop", Kind.RULES, parameters=json.loads(again["parameters"])) == made
    for odd in ("name=theirs&version=1", "name=shop&version=9", "name=shop&version=%00", "version=1"):
        told = lead.client.get(f"/projects/refunds/judge-versions/new?{odd}")
        assert told.status_code == 200 and told.context["form"]["parameters"].value() in (None, "")
    assert theirs.judge.name == "theirs"


def test_a_version_is_made_runs_and_goes_live_only_when_borne_out(lead: Person, project: Project) -> None:
    def post(path: str, **fields: str) -> str:
        return lead.client.post(f"/projects/refunds/{path}", fields, follow=True).content.decode()

    refused = post(
        "judge-versions/new", name="shop", kind="rules", criterion="verdict", parameters='{"rules": 3}'
    )
    assert "rules must be a list of objects" in refused
    assert "Choose one of the endpoints" in post(
        "judge-versions/new", name="shop", kind="litellm", criterion="verdict"
    )
    lines = table(20, 0, 0, 180, pi=0.1, judges=[])
    for each in lines[:20]:
        each["output"] = "As an AI I cannot."
    load(project, lines)
    told = post(
        "judge-versions/new", name="shop", kind="rules", criterion="verdict",
        parameters='{"rules": [{"contains": "as an ai"}]}',
    )  # fmt: skip
    assert "is a candidate" in told
    version = JudgeVersion.objects.get(judge__name="shop")
    assert "Not yet:" in post(f"judge-versions/{version.pk}/go-live")
    assert "200 to judge" in post(f"judge-versions/{version.pk}/run", what="drawn")
    runs = f"/projects/refunds/judge-versions/{version.pk}/runs"
    waiting = lead.client.get(runs, headers={"HX-Request": "true"}).content.decode()
    assert f'hx-get="{runs}?watched=1"' in waiting and "All of it is judged" not in waiting
    judging.work(60)
    ended = lead.client.get(f"{runs}?watched=1", headers={"HX-Request": "true"}).content.decode()
    assert "All of it is judged" in ended and "#going-live" in ended
    assert '<td class="number">200</td><td class="number">20</td>' in ended, "judged, and of them failed"
    assert Judgment.objects.filter(version=version, progress="done").count() == 200
    before = page(lead.client, "judges/shop")
    assert "not yet" not in before and 'class="button primary">Go live' in before
    gone = lead.client.post(f"/projects/refunds/judge-versions/{version.pk}/go-live")
    assert gone["Location"].endswith("?version=1#going-live")
    assert "the figures on which this version went live" in page(lead.client, "judges/shop")
    assert "is validated again" in post(f"judge-versions/{version.pk}/go-live")
    assert "are frozen as anchors 1" in post(f"judge-versions/{version.pk}/anchors")
    assert AnchorSet.objects.get().anchors.filter(verdict="fail").count() == 20
    assert "200 to judge" in post(f"judge-versions/{version.pk}/run", what="anchors")
    judging.work(60)
    post(f"judge-versions/{version.pk}/run", what="anchors")
    judging.work(60)
    assert "The judge did not move" in page(lead.client, "judges/shop")
    assert "done" in page(lead.client, f"judge-versions/{version.pk}/runs")


@pytest.mark.parametrize(
    "parameters",
    [
        "[" * 100_000,
        '{"threshold": NaN}',
        '{"threshold": 1e999}',
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"a": 1, "a": 2}',
        '{"rules": [{"shorter_than": 1e300}]}',
        '{"n": 123456789012345678901234567890}',
        "[1]",
        "{",
    ],
)
def test_parameters_that_cannot_be_kept_are_refused(lead: Person, project: Project, parameters: str) -> None:
    given = {"name": "odd", "kind": "rules", "criterion": "verdict", "parameters": parameters}
    made = lead.client.post("/projects/refunds/judge-versions/new", given)
    assert made.status_code == 422 or '"shorter_than": 1e300' in parameters
    tried = lead.client.post("/projects/refunds/judge-versions/try", given)
    assert tried.status_code == 422


def test_a_run_says_how_far_it_is_and_why_it_ended(lead: Person, project: Project) -> None:
    version = versions.create(project, "helpful", Kind.RULES, parameters={"rules": []})
    traces = Trace.objects.bulk_create(
        Trace(project=project, trace_id=f"t{n}", started_at=timezone.now()) for n in range(4)
    )
    run = asking.start(version, RunKind.GIVEN)
    asking.ask_traces(version, [(each.pk, Origin.GIVEN) for each in traces], run)
    path = f"judge-versions/{version.pk}/runs"
    assert 'max="4" value="0"' in page(lead.client, path)
    Judgment.objects.filter(trace=traces[0]).update(progress="failed", reason="the endpoint refused its key")
    assert 'max="4" value="1"' in page(lead.client, path)
    asking.stop(run)
    told = page(lead.client, path)
    assert "ended <small>the run was stopped</small>" in told
    assert '<td class="number">3</td>' in told
