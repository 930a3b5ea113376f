"""The pages of the golden dataset and of runs: for whom, what they do, and with how many questions."""

import html
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape

from evaluation.golden.draft import cases, withheld
from evaluation.golden.models import GoldenCase, GoldenDataset, GoldenVersion
from evaluation.golden.published import versions
from ingest.models import Scope
from reviewapp import audit
from reviewapp.review import labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.models import Exposure
from tests.evaluation.golden.entering import BASE, VALUES, put_values
from tests.evaluation.runs.reporting import report, results
from tests.reviewapp.review.making import PASS, filled, make_queue


@pytest.fixture
def runs(api, dataset):
    ci = api(Scope.RUNS_WRITE)
    to = "/api/v1/golden/support/versions/1/runs"
    main = [row for trial in (1, 2, 3) for row in results(trial=trial)]
    report(ci, "main", main, to=to, branch="main", commit="a").json()
    report(ci, "again", results(), to=to, branch="other", commit="a").json()
    broken = [f"c{n:02d}" for n in range(20)]
    return report(ci, "pr", results(*broken), to=to, branch="pr-7", baseline="main").json()


# What a project without a dataset has, too.
LISTS = ("/golden", "/golden-candidates", "/runs")


def pages(run_id):
    return [
        "/golden", "/golden/support", "/golden/support/health", "/golden/support/compare",
        "/golden/support/matrix", "/golden/support/versions/1", "/golden/support/cases",
        "/golden/support/case/c00", "/golden-candidates",
        "/runs", f"/runs/{run_id}", f"/runs/{run_id}/report.md", f"/runs/{run_id}/junit.xml",
        "/golden/support/versions/1/files/flat.csv",
    ]  # fmt: skip


def test_a_case_of_a_trace_that_one_has_to_judge_opens_after_the_label(lead, reviewer, project, dataset):
    (item,) = filled(make_queue(project, "blind"), 1)
    GoldenCase.objects.filter(case_id="c00").update(trace=item.trace)
    address = f"{BASE}/golden/support/case/c00"
    assert reviewer.client.get(address).status_code == 302
    lease = leases.claim(item.queue, reviewer.user)
    assert labels.submit(lease.item, Actor(reviewer.user), lease.token, PASS).label.blind
    assert reviewer.client.get(address).status_code == 200
    assert lead.client.get(address).status_code == 200
    assert Exposure.objects.count() == 2


def test_no_page_tells_of_a_case_whose_trace_one_has_to_judge(lead, reviewer, project, dataset, api):
    """Its note and what it expects are what reviewers said of the trace."""
    put_values(dataset, [{**VALUES[0], "expected": "canary-e", "metadata": {"note": "canary-n"}}], "leo")
    versions.publish(dataset, "leo", "with a note")
    put_values(dataset, [{**VALUES[0], "expected": "canary-f", "metadata": {"note": "canary-n"}}], "leo")
    to = "/api/v1/golden/support/versions/2/runs"
    run = report(api(Scope.RUNS_WRITE), "pr", results("c00"), to=to, branch="pr-7").json()["run_id"]
    (item,) = filled(make_queue(project, "blind"), 1)
    GoldenCase.objects.filter(case_id="c00").update(trace=item.trace)
    paths = [path.replace("versions/1", "versions/2") for path in pages(run)]
    paths += ["/golden/support/compare?from=1&to=2", "/golden/support/cases?q=canary"]

    def told(person):
        pages_of = {path: person.client.get(BASE + path, follow=True).content.decode() for path in paths}
        return {path for path, page in pages_of.items() if "canary-" in page.replace("q=canary", "")}

    telling = {
        "/golden/support", "/golden/support/compare", "/golden/support/case/c00", f"/runs/{run}",
        f"/runs/{run}/junit.xml", "/golden/support/versions/2/files/flat.csv",
        "/golden/support/compare?from=1&to=2",
    }  # fmt: skip
    assert told(reviewer) == set()
    found = reviewer.client.get(f"{BASE}/golden/support/cases?q=canary").content.decode()
    assert ">c00<" not in found and "A case is left out" in found
    assert told(lead) == telling
    # Nor whether it is critical, and what checks its answer.
    for path, row in (("/golden/support/versions/2", "<tr>"), (f"/runs/{run}", "<summary")):
        of_reviewer, of_lead = (
            next(part for part in person.client.get(BASE + path).content.decode().split(row) if "c00" in part)
            for person in (reviewer, lead)
        )
        assert "critical" in of_lead and "exact match" in of_lead and "still to judge" not in of_lead
        assert "still to judge" in of_reviewer and "critical" not in of_reviewer
        assert "exact match" not in of_reviewer
    lease = leases.claim(item.queue, reviewer.user)
    labels.submit(lease.item, Actor(reviewer.user), lease.token, PASS)
    assert told(reviewer) == telling


def test_a_file_that_is_not_given_leads_back_and_says_why(lead, reviewer, project, dataset, api):
    """Of a link that always saves what it gets, the browser saved the page with the reason as the file."""
    to = "/api/v1/golden/support/versions/1/runs"
    run = report(api(Scope.RUNS_WRITE), "pr", results("c00"), to=to, branch="pr-7").json()["run_id"]
    (item,) = filled(make_queue(project, "blind"), 1)
    GoldenCase.objects.filter(case_id="c00").update(trace=item.trace)
    for page, file in (
        ("/golden/support", "/golden/support/versions/1/files/native.jsonl"),
        ("/golden/support/versions/1", "/golden/support/versions/1/files/native.jsonl"),
        (f"/runs/{run}", f"/runs/{run}/junit.xml"),
    ):
        shown = reviewer.client.get(BASE + page).content.decode()
        (link,) = re.findall(f'<a [^>]*href="{BASE}{file}"[^>]*>', shown)
        assert " download" not in link
        assert withheld.OF_FILES in reviewer.client.get(BASE + file, follow=True).content.decode()
        given = lead.client.get(BASE + file)
        assert given.headers["Content-Disposition"].startswith("attachment; filename=")


def test_every_page_shows_itself_and_escapes(lead, reviewer, stranger, runs):
    for path in pages(runs["run_id"]):
        page = lead.client.get(BASE + path)
        assert page.status_code == 200, path
        if "text/html" in page["Content-Type"]:
            assert "<u>0</u>" not in page.content.decode() and "style=" not in page.content.decode()
        assert reviewer.client.get(BASE + path).status_code == 200
        assert stranger.client.get(BASE + path).status_code == 404
        # In a project of their own the lists are there and empty; nothing else is found.
        own = stranger.client.get(BASE.replace("refunds", "elsewhere") + path)
        assert own.status_code == (200 if path in LISTS else 404), path
        assert "golden/support" not in own.content.decode(), path
    for path in ("/golden/support/settings", "/golden/support/cases/new", "/golden/support/cases/import"):
        assert lead.client.get(BASE + path).status_code == 200
        assert reviewer.client.get(BASE + path).status_code == 403


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/golden/support", 40),
        ("/golden/support/cases", 24),
        ("/golden/support/matrix", 16),
        ("/runs", 24),
        ("/golden/support/versions/1", 20),
    ],
)
def test_the_number_of_statements_does_not_grow(
    lead, runs, dataset, path, most, django_assert_max_num_queries
):
    with django_assert_max_num_queries(most):
        assert lead.client.get(BASE + path).status_code == 200


def test_every_change_of_a_draft_and_between_versions_can_be_read(lead, dataset):
    tagged = [{**value, "tags": ["vip"]} for value in VALUES]
    put_values(dataset, tagged, "leo")
    for path in ("/golden/support", "/golden/support/compare?from=1&to=2"):
        first = lead.client.get(BASE + path).content.decode()
        assert "/case/c58" in first and "/case/c59" not in first and "of 61" in first
        more = html.unescape(re.search(r'rel="next" href="([^"]*)"', first)[1])
        second = lead.client.get(BASE + path.partition("?")[0] + more).content.decode()
        assert "/case/c59" in second and "/case/c58" not in second
        if path == "/golden/support":
            versions.publish(dataset, "leo", "tagged")


def test_the_run_page_says_what_happened(lead, runs):
    page = lead.client.get(f"{BASE}/runs/{runs['run_id']}").content.decode()
    assert "pr-7 broke 20 golden cases and fixed 0" in page
    assert "deploy blocked, exit code 1" in page and "20 broken" in page
    assert "What would turn it green" in page


def test_a_lead_publishes_and_withdraws(lead, reviewer, dataset):
    assert reviewer.client.post(f"{BASE}/golden/support/publish", {"changelog": "x"}).status_code == 403
    assert lead.client.post(f"{BASE}/golden/support/publish", {"changelog": " "}).status_code == 302
    assert GoldenVersion.objects.count() == 1
    lead.client.post(f"{BASE}/golden/support/publish", {"changelog": "second"})
    second = GoldenVersion.objects.get(number=2)
    assert (second.changelog, second.created_by, second.added, second.changed) == ("second", "leo", 1, 1)
    lead.client.post(f"{BASE}/golden/support/versions/1/withdraw", {"reason": ""})
    assert GoldenVersion.objects.get(number=1).withdrawn_at is None
    lead.client.post(f"{BASE}/golden/support/versions/1/withdraw", {"reason": "personal data"})
    assert GoldenVersion.objects.get(number=1).withdrawn_reason == "personal data"
    assert lead.client.get(f"{BASE}/golden/support/versions/1/files/flat.csv").status_code == 404
    assert "personal data" in lead.client.get(f"{BASE}/golden/support/versions/1").content.decode()


FILES = [
    ("x.jsonl", '{"id":"i1","input":"a"}\n{"input":\n{"id":"i2","input":"b"}\n', 2, 1),
    ("x.csv", 'id,input,expected,tags,critical\ni1,\'=1+1,"a,b","x, y",true\ni2,b,,,\n', 2, 0),
    ("x.yaml", "- id: i1\n  input: a\n- id: i2\n  input: {messages: [{role: user, content: b}]}\n", 2, 0),
    ("x.json", '[{"id":"i1","input":"a"},{"id":"i2","input":"b","tags":5}]', 1, 1),
]


@pytest.mark.parametrize(("kind", "text", "taken", "refused"), FILES)
def test_import_looks_first_and_reports_each_line(lead, dataset, kind, text, taken, refused):
    address = f"{BASE}/golden/support/cases/import"
    before = GoldenCase.objects.count()
    dry = lead.client.post(address, {"kind": kind, "text": text, "dry": "1"}).content.decode()
    assert f"{taken} can be taken, {refused} cannot" in dry and GoldenCase.objects.count() == before
    assert f'<option value="{kind}" selected>' in dry
    file = SimpleUploadedFile(f"cases{kind[1:]}", text.encode())
    looked = lead.client.post(address, {"file": file, "dry": "1"}).content.decode()
    assert escape(text) in looked and f'<option value="{kind}" selected>' in looked
    done = lead.client.post(address, {"kind": kind, "text": text}).content.decode()
    assert f"{taken} taken" in done and GoldenCase.objects.count() == before + taken
    if kind == "x.csv":
        line = json.loads(GoldenCase.objects.get(case_id="i1").revisions.get().line)
        assert line["input"]["messages"][0]["content"] == "=1+1" and line["critical"] is True
        assert line["tags"] == ["x", "y"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("x.csv", "a,b\n1,2\n"),
        ("x.yaml", "a: &x 1\nb: *x\n"),
        ("x.yaml", "{"),
        ("x.json", "{"),
        ("x.jsonl", " "),
    ],
)
def test_a_file_that_cannot_be_read_says_so(lead, dataset, kind, text):
    page = lead.client.post(f"{BASE}/golden/support/cases/import", {"kind": kind, "text": text})
    assert page.status_code == 422 and "Nothing was imported" in page.content.decode()


def test_restoring_a_version_gives_the_same_bytes(project, dataset):
    first = GoldenVersion.objects.get(number=1)
    versions.publish(dataset, "leo", "second")
    cases.set_state(dataset, ["c03"], "retired", "old")
    versions.publish(dataset, "leo", "third")
    versions.restore(first)
    again = versions.publish(dataset, "leo", "as first")
    assert again.number == 4 and bytes(again.digest) == bytes(first.digest)


def test_names_of_datasets(lead, reviewer, project):
    assert lead.client.post(f"{BASE}/golden", {"name": "not a name"}).status_code == 422
    assert lead.client.post(f"{BASE}/golden", {"name": "core"}).status_code == 302
    assert reviewer.client.post(f"{BASE}/golden", {"name": "mine"}).status_code == 403
    assert [each.name for each in GoldenDataset.objects.all()] == ["core"]


def test_the_audit_log_tells_of_versions_limits_and_states(lead, owner, other_project, dataset):
    lead.client.post(f"{BASE}/golden/support/versions/1/withdraw", {"reason": "wrong bytes"})
    bulk = {"case": ["c01"], "action": "retired", "value": "old"}
    lead.client.post(f"{BASE}/golden/support/cases/change", bulk)
    dataset.threshold = 0.9
    dataset.save()
    told = {each.what: each for each in audit.read(audit.events_of(dataset.project))}
    assert told["the golden version 1 was made"].who == "the server"
    withdrawn = told["the golden version 1 was changed"]
    assert withdrawn.who == lead.user.username
    assert ("withdrawn reason", "wrong bytes") in [(each.field, each.after) for each in withdrawn.changes]
    assert told["the golden case c01 was changed (retired: old)"].who == lead.user.username
    assert "the golden dataset support was changed" in told
    assert not any("golden" in each.what for each in audit.read(audit.events_of(other_project)))
    page = owner.client.get(f"{BASE}/audit").content.decode()
    assert "the golden case c01 was changed (retired: old)" in page
