"""A run is uploaded, decided, repeated, read again; what is incomplete or contradictory does not pass."""

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from django.utils.html import escape

from evaluation.judges.calls import rules
from evaluation.judges.calls.protocol import Reply
from evaluation.judges.models import Judge, JudgeVersion
from evaluation.runs import judged, judging
from evaluation.runs.models import CaseResult, CiRun, RunUpload
from ingest import tokens
from ingest.models import Scope
from tests.evaluation.golden.entering import post_cases, publish
from tests.evaluation.judges.answering import turn_taken
from tests.evaluation.runs.reporting import RUNS, N, report, results


@pytest.fixture
def golden(api):
    writer = api(Scope.GOLDEN_WRITE)
    lines = [
        {"id": f"c{n:02d}", "input": f"{n}+0?", "expected": str(n), "critical": n < 3,
         "assertions": [{"type": "exact", "value": str(n)}], "split": "test" if n % 2 else "dev"}
        for n in range(N)
    ]  # fmt: skip
    assert post_cases(writer, *lines).status_code == 200
    return publish(writer).json()


@pytest.fixture
def ci(api):
    return api(Scope.RUNS_WRITE)


def marked(status, *cases):
    return [{**row, "status": status} if row["case_id"] in cases else row for row in results()]


@pytest.fixture
def main(ci, golden):
    rows = [row for trial in (1, 2, 3) for row in results(trial=trial)]
    return report(ci, "main-1", rows, branch="main").json()


def test_a_run_that_holds_everything_passes(ci, golden):
    answer = report(ci, "a", results(), commit="abc", branch="pr-7", golden_digest=golden["digest"])
    assert answer.status_code == 201
    got = answer.json()
    assert got["decision"] == "pass" and got["pass_rate"] == 1.0 and got["threshold"] == 0.85
    assert got["baseline"] is None and got["unstable"] == []
    assert got["coverage"]["expected"] == got["coverage"]["answered"] == N
    assert got["ci95"][1] == 1.0 and "Golden gate: pass" in got["markdown"]
    assert got["url"].startswith("http://testserver/projects/refunds/runs/")
    again = ci.get(f"/api/v1/runs/{got['run_id']}").json()
    assert again["decision"] == "pass" and len(again["results"]) == N


def test_the_server_scores_outputs(ci, golden):
    rows = [{"case_id": f"c{n:02d}", "output": str(n) if n != 5 else "five"} for n in range(N)]
    got = report(ci, "a", rows).json()
    assert got["decision"] == "pass" and got["pass_rate"] == (N - 1) / N
    wrong = CaseResult.objects.get(case__case_id="c05")
    assert wrong.status == "fail" and wrong.scored_by == "server" and "expected exactly" in wrong.reason


def test_repeats_decide_what_chance_may_have_done(ci, main):
    broken = ["c10", "c11", "c12", "c13", "c14", "c15"]
    first = report(ci, "pr", results(*broken), branch="pr-7", baseline="main").json()
    assert first["decision"] == "inconclusive"
    assert first["baseline"]["broken"] == broken and first["baseline"]["run_id"] == main["run_id"]
    assert first["repeat"] == [{"case_id": case, "trials": 2} for case in broken]
    again = [row for _ in range(2) for row in results(ids=broken)]
    mended = report(ci, "pr", again, branch="pr-7", baseline="main")
    assert mended.status_code == 201 and mended.json()["decision"] == "pass"
    assert mended.json()["unstable"] == broken and mended.json()["run_id"] == first["run_id"]
    failing = report(ci, "pr-2", results(*broken), baseline="main").json()
    assert failing["decision"] == "inconclusive"
    failing = report(ci, "pr-2", [row for _ in range(2) for row in results(*broken, ids=broken)]).json()
    assert failing["decision"] == "fail" and failing["baseline"]["p_value"] == pytest.approx(1 / 64)


def test_few_broken_cases_are_judged_at_once_and_blatant_ones_too(ci, main):
    assert report(ci, "few", results("c10", "c11"), baseline="main").json()["decision"] == "pass"
    many = [f"c{n:02d}" for n in range(10, 25)]
    got = report(ci, "many", results(*many), baseline="main").json()
    assert got["decision"] == "fail" and got["repeat"] == []


def test_a_baseline_of_another_part_is_no_baseline(ci, main):
    """A part that passed on main would else leave the rest without a comparison."""
    dev = [f"c{n:02d}" for n in range(0, N, 2)]
    part = {"selection": {"split": "dev"}}
    report(ci, "main-dev", results(ids=dev), branch="main", **part)
    whole = report(ci, "whole", results(), baseline="main").json()
    assert whole["baseline"]["run_id"] == main["run_id"] and whole["baseline"]["cases"] == N
    again = report(ci, "dev", results(ids=dev), baseline="main", **part).json()
    assert again["baseline"]["run_id"] != main["run_id"]


def test_a_critical_case(ci, main):
    first = report(ci, "k", results("c01"), baseline="main").json()
    assert first["decision"] == "inconclusive" and first["repeat"] == [{"case_id": "c01", "trials": 2}]
    twice = report(ci, "k", [row for _ in range(2) for row in results("c01", ids=["c01"])]).json()
    assert twice["decision"] == "inconclusive" and twice["repeat"] == [{"case_id": "c01", "trials": 2}]
    last = report(ci, "k", results("c01", ids=["c01"])).json()
    last = report(ci, "k", results(ids=["c01"]), commit="").json()
    assert last["decision"] == "fail" and "critical" in last["reasons"][0]
    five = [*results(), *(row for trial in (2, 3, 4, 5) for row in results(trial=trial, ids=["c01"]))]
    five[1]["status"] = five[60]["status"] = five[61]["status"] = "fail"
    wavering = report(ci, "w", five, baseline="main").json()
    assert wavering["decision"] == "inconclusive" and "some trials only" in wavering["reasons"][0]


@pytest.mark.parametrize(
    ("rows", "more", "words"),
    [
        ([], {}, "no result"),
        (results()[:-1], {}, "1 of 60 cases has no result: c59"),
        ([*results(), {"case_id": "zz", "status": "pass"}], {}, "1 results name no case of version 1: zz"),
        (marked("skip", "c09"), {}, "skipped: c09"),
        (marked("error", "c00", "c01"), {}, "2 cases ended"),
        (results(), {"golden_digest": "sha256:" + "0" * 64}, "other bytes"),
        (results(), {"selection": {"split": "none"}}, "selection holds no case"),
        (results(), {"selection": {"split": "dev"}}, "lie outside the selection"),
    ],
)  # fmt: skip
def test_the_gate_fails_closed(ci, golden, rows, more, words):
    got = report(ci, "a", rows, **more).json()
    assert got["decision"] == "inconclusive"
    assert words in " ".join(got["reasons"]) + ("no result" if not rows else "")
    assert not CiRun.objects.get().complete
    assert got["turns_green"] == "", "no answer of a case would"


def test_a_part_of_the_version_is_enough_when_it_was_selected(ci, golden):
    half = [row for row in results() if int(row["case_id"][1:]) % 2]
    got = report(ci, "a", half, selection={"split": "test"}).json()
    assert got["decision"] == "pass" and got["coverage"]["expected"] == N // 2


def test_a_judge_without_a_certificate_keeps_a_run_from_passing(api, ci):
    post_cases(
        api(Scope.GOLDEN_WRITE),
        {"id": "j", "input": "x", "assertions": [{"type": "rubric", "value": "kind?"}]},
    )
    publish(api(Scope.GOLDEN_WRITE))
    for key, row in (("a", {"status": "pass"}), ("b", {"output": "yes"})):
        got = report(ci, key, [{"case_id": "j", **row}]).json()
        assert got["decision"] == "inconclusive" and "certificate" in got["reasons"][0]


def test_what_is_sent_twice_changes_nothing(ci, golden):
    first = report(ci, "a", results("c20"), idempotency="key-1")
    again = report(ci, "a", results("c20"), idempotency="key-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert report(ci, "a", results("c20")).status_code == 200
    assert report(ci, "a", results("c21"), idempotency="key-1").status_code == 422
    assert report(ci, "a", results("c20", trial=1), commit="other").status_code == 409
    assert report(ci, "a", results("c21", trial=1)).status_code == 409
    assert CaseResult.objects.count() == N and CiRun.objects.count() == 1


def test_a_token_speaks_for_its_branches_only(client, project, golden):
    issued = tokens.issue(project, "pr", [Scope.RUNS_WRITE], branches=["pr-*"])
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {issued.text}"
    assert report(client, "a", results(), branch="pr-3").status_code == 201
    for branch in ("main", ""):
        refused = report(client, "b", results(), branch=branch)
        assert refused.status_code == 403 and "pr-*" in refused.json()["detail"]
    assert "names no branch" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("to", "body", "status"),
    [
        (RUNS.replace("/1/", "/latest/"), {}, 400),
        (RUNS.replace("/1/", "/9/"), {}, 404),
        (RUNS.replace("support", "other"), {}, 404),
        (RUNS, {"results": [{"case_id": "c01", "status": "maybe"}]}, 422),
        (RUNS, {"results": [{"case_id": "c01", "status": "pass", "trial": 0}]}, 422),
        (RUNS, {"results": [{"status": "pass"}]}, 422),
        (RUNS, {"results": [{"case_id": "c01", "status": "pass", "trial": 1}] * 2}, 422),
        (RUNS, {"results": [{"case_id": "c01", "score": "high"}]}, 422),
        (RUNS, {"results": {}}, 422),
        (RUNS, {"run_key": 7}, 422),
        (RUNS, {"run_key": "a\u0000"}, 422),
        (RUNS, {"results": [{"case_id": "\u0000", "status": "pass"}]}, 201),
        (RUNS + "?format=promptfoo&split=%00", {"results": {"results": []}}, 422),
        (RUNS + "?format=promptfoo", {"results": {"results": [{"description": "\ud800"}]}}, 201),
        (RUNS, {"selection": []}, 201),
        (RUNS, {"selection": "x"}, 422),
        (RUNS, [], 400),
        (RUNS + "?format=xml", {}, 400),
        (RUNS + "?format=junit", {}, 400),
        (RUNS + "?format=promptfoo", {}, 400),
    ],
)
def test_what_cannot_be_read_is_refused(ci, golden, to, body, status):
    answer = ci.post(to, json.dumps(body), content_type="application/json")
    assert answer.status_code == status, answer.content
    if status >= 400:
        assert answer["Content-Type"] == "application/problem+json"


def test_reports(ci, main):
    got = report(ci, "x](http://evil) <b>@all", results("c10", "c11"), branch="pr-7", baseline="main").json()
    page = ci.get(f"/api/v1/runs/{got['run_id']}/report.md")
    assert page["Content-Type"].startswith("text/markdown") and page.content.decode() == got["markdown"]
    assert "](http://evil)" not in got["markdown"] and "<b>" not in got["markdown"]
    assert "**Broken** (2): c10, c11" in got["markdown"]
    suites = ElementTree.fromstring(ci.get(f"/api/v1/runs/{got['run_id']}/junit.xml").content)
    assert suites.get("tests") == str(N + 1) and suites.get("failures") == "2"
    assert [(each.get("name"), each.get("tests"), each.get("failures")) for each in suites] == [
        ("support v1", str(N), "2"),
        ("gate", "1", "0"),
    ]
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failed == ["c10", "c11"]


def test_a_run_read_again_shows_what_was_said_where_it_did_not_pass(ci, golden):
    rows = [{"case_id": "c03", "output": "x" * 5000}, {"case_id": "c04", "output": "4"}]
    got = report(ci, "said", rows).json()
    read = ci.get(f"/api/v1/runs/{got['run_id']}").json()["results"]
    assert [(each["case_id"], each["status"], each["output"]) for each in read] == [
        ("c03", "fail", "x" * 2000),
        ("c04", "pass", None),
    ]


def test_another_project_sees_no_run(api, main, other_project):
    other = api(of=other_project)
    for part in ("", "/report.md", "/junit.xml"):
        assert other.get(f"/api/v1/runs/{main['run_id']}{part}").status_code == 404
    assert other.get("/api/v1/runs/x").status_code == 404
    assert api(Scope.GOLDEN_READ).get(f"/api/v1/runs/{main['run_id']}").status_code == 403


def test_a_certified_judge_scores_in_the_background(api, ci, project, monkeypatch):
    judge = Judge.objects.create(project=project, name="politeness")
    version = JudgeVersion.objects.create(
        judge=judge, number=1, label="1", stage="live", kind="rules", fingerprint="f"
    )
    monkeypatch.setattr(judged.certificates, "holds", lambda asked: asked == version)
    said = {"yes": "pass", "no": "fail", "eh": "nonsense"}
    monkeypatch.setattr(
        rules,
        "ask",
        lambda spec, question: Reply(json.dumps({"verdict": said[question.output], "score": 0.25})),
    )
    cases = [
        {"id": f"j{n}", "input": "x", "assertions": [{"type": "rubric", "value": "politeness"}]}
        for n in range(30)
    ]
    post_cases(api(Scope.GOLDEN_WRITE), *cases)
    publish(api(Scope.GOLDEN_WRITE))
    got = report(ci, "a", [{"case_id": f"j{n}", "output": "yes"} for n in range(30)]).json()
    assert got["decision"] == "pending" and "30 cases" in got["reasons"][0]
    with turn_taken():
        judging.judge_pending()
    assert CaseResult.objects.filter(status="pending").count() == 30
    for _ in range(2):
        judging.judge_pending()
    assert ci.get(f"/api/v1/runs/{got['run_id']}").json()["decision"] == "pass"
    odd = report(ci, "b", [{"case_id": f"j{n}", "output": "eh" if n else "no"} for n in range(30)]).json()
    for _ in range(2):
        judging.judge_pending()
    after = ci.get(f"/api/v1/runs/{odd['run_id']}").json()
    assert after["decision"] == "inconclusive" and after["coverage"]["errors"] == 29
    monkeypatch.setattr(judged.certificates, "holds", lambda asked: False)
    stale = report(ci, "c", [{"case_id": f"j{n}", "output": "yes"} for n in range(30)]).json()
    assert stale["decision"] == "inconclusive" and "certificate" in stale["reasons"][0]


def test_a_run_that_is_still_arriving_decides_nothing(ci, golden, lead):
    """Parts with `more`: pending, then decided at once by the last; inconclusive when that never comes."""
    half, rest = results()[: N // 2], results()[N // 2 :]
    first = report(ci, "long", half, more=True).json()
    assert first["decision"] == "pending" and first["repeat"] == [] and first["turns_green"] == ""
    assert first["reasons"] == [
        f"{N // 2} of {N} cases arrived so far; more parts of this run are on their way."
    ]
    page = lead.client.get(f"/projects/refunds/runs/{first['run_id']}").content.decode()
    assert "still arriving: nothing is decided yet" in page and "waits for" not in page
    judging.judge_pending()
    assert ci.get(f"/api/v1/runs/{first['run_id']}").json()["decision"] == "pending"
    assert report(ci, "long", half, more=True).status_code == 200
    last = report(ci, "long", rest).json()
    assert (last["decision"], last["run_id"]) == ("pass", first["run_id"])
    lost = report(ci, "lost", half, more=True).json()
    RunUpload.objects.filter(run__public_id=lost["run_id"]).update(
        received_at=timezone.now() - timedelta(hours=2)
    )
    judging.judge_pending()
    after = ci.get(f"/api/v1/runs/{lost['run_id']}").json()
    assert (
        after["decision"] == "inconclusive"
        and "the last part of the upload never came" in after["reasons"][0]
    )
    assert not CiRun.objects.get(run_key="lost").complete
    assert report(ci, "odd", half, more="yes").status_code == 422


def test_the_command_to_repeat_is_safe_to_paste(ci, main, lead):
    got = report(ci, "x; rm -rf ~", results("c00"), baseline="main").json()
    page = lead.client.get(f"/projects/refunds/runs/{got['run_id']}").content.decode()
    assert got["repeat"] and escape("gate --run-key 'x; rm -rf ~' --run COMMAND") in page


def test_the_run_page_says_how_many_cases_it_leaves_out(ci, main, lead):
    got = report(ci, "many", results(*[f"c{n:02d}" for n in range(45)]), baseline="main").json()
    page = lead.client.get(f"/projects/refunds/runs/{got['run_id']}").content.decode()
    assert "and 15 more, all of them in the" in page
