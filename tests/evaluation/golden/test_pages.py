"""The pages of the golden dataset and of runs: for whom, what they do, and with how many questions."""

import html
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from evaluation.golden import assertions, candidates, cases, lines, promptfoo, versions
from evaluation.golden.models import Candidate, GoldenCase, GoldenDataset, GoldenVersion
from ingest.models import Scope
from reviewapp import audit
from reviewapp.models import User
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from tests.evaluation.runs.test_runs import report, results
from tests.reviewapp.review import conftest as review

BASE = "/projects/refunds"
VALUES = [
    {"id": f"c{n:02d}", "input": f"question <u>{n}</u>", "expected": str(n), "critical": n < 3,
     "tags": ["refunds"],
     "assertions": [{"type": "exact", "value": str(n)}], "note": "a note"}
    for n in range(60)
]  # fmt: skip


@pytest.fixture
def dataset(project):
    made = cases.open_dataset(project, "support", "leo")
    cases.put_values(made, VALUES, "leo")
    versions.publish(made, "leo", "first")
    cases.put_values(made, [{**VALUES[0], "expected": "zero"}, {"id": "new", "input": "new?"}], "leo")
    return made


@pytest.fixture
def runs(api, dataset):
    ci = api(Scope.RUNS_WRITE)
    to = "/api/v1/golden/support/versions/1/runs"
    main = [row for trial in (1, 2, 3) for row in results(trial=trial)]
    report(ci, "main", main, to=to, branch="main", commit="a").json()
    report(ci, "again", results(), to=to, branch="other", commit="a").json()
    broken = [f"c{n:02d}" for n in range(20)]
    return report(ci, "pr", results(*broken), to=to, branch="pr-7", baseline="main").json()


def pages(run_id):
    return [
        "/golden", "/golden/support", "/golden/support/health", "/golden/support/compare",
        "/golden/support/matrix", "/golden/support/versions/1", "/golden/support/cases",
        "/golden/support/case/c00", "/golden-candidates",
        "/runs", f"/runs/{run_id}", f"/runs/{run_id}/report.md", f"/runs/{run_id}/junit.xml",
        "/golden/support/versions/1/files/flat.csv",
    ]  # fmt: skip


def test_every_page_shows_itself_and_escapes(lead, reviewer, stranger, runs):
    for path in pages(runs["run_id"]):
        page = lead.client.get(BASE + path)
        assert page.status_code == 200, path
        if "text/html" in page["Content-Type"]:
            assert "<u>0</u>" not in page.content.decode() and "style=" not in page.content.decode()
        assert reviewer.client.get(BASE + path).status_code == 200
        assert stranger.client.get(BASE + path).status_code == 404
        assert stranger.client.get(BASE.replace("refunds", "elsewhere") + path).status_code in (200, 404)
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


FORM = {
    "message-0-role": "user", "message-0-content": "What is 2+2?",
    "message-1-role": "user", "message-1-content": "",
    "expected": "4", "assertion-0-kind": "numeric", "assertion-0-value": "4", "assertion-0-limit": "0.1",
    "tags": "maths, easy", "split": "test", "source": "adversarial", "failure_modes": "", "note": "sums",
}  # fmt: skip


def test_the_editor_makes_and_revises_cases(lead, reviewer, dataset):
    new = f"{BASE}/golden/support/cases/new"
    assert lead.client.post(new, {**FORM, "case_id": "sum"}).status_code == 302
    made = GoldenCase.objects.get(case_id="sum")
    line = json.loads(made.revisions.get().line)
    assert line["assertions"] == [{"tolerance": 0.1, "type": "numeric", "value": 4}]
    assert line["tags"] == ["maths", "easy"] and line["metadata"]["note"] == "sums"
    assert lead.client.post(new, {**FORM, "case_id": "sum"}).status_code == 422
    refused = lead.client.post(new, {**FORM, "assertion-0-value": "four", "note": "kept text"})
    assert refused.status_code == 422 and "kept text" in refused.content.decode()
    page = f"{BASE}/golden/support/case/sum"
    assert lead.client.post(page, {**FORM, "expected": "four", "revision": "1"}).status_code == 302
    made.refresh_from_db()
    assert made.revision == 2 and made.revisions.count() == 2
    reviewer.client.post(page, {**FORM, "expected": "five"})
    assert made.revisions.count() == 2


def test_two_leads_at_one_case_lose_nothing(lead, dataset):
    """Saved since the form was opened: who, what, both texts; then over it, or not at all."""
    value = {"messages": [{"role": "user", "content": "2+2?", "name": "mine"}]}
    cases.put_values(dataset, [{"id": "sum", "input": value, "expected": "4"}], "leo")
    page = f"{BASE}/golden/support/case/sum"
    assert 'name="revision" value="1"' in lead.client.get(page).content.decode()
    # In place of the message that the form shows first, another one.
    theirs = {"messages": [{"role": "system", "content": "Be brief."}, *value["messages"]]}
    cases.put_values(dataset, [{"id": "sum", "input": theirs, "expected": "<b>four</b>"}], "lena")
    mine = {**FORM, "message-0-content": "2+2?", "expected": "my text", "revision": "1"}
    refused = lead.client.post(page, mine)
    text = refused.content.decode()
    assert refused.status_code == 409 and "lena saved revision 2" in text
    assert "my text</textarea>" in text and escape("+ <b>four</b>") in text and "<b>four" not in text
    assert 'name="revision" value="1"' in text and 'name="over" value="2"' in text
    case = GoldenCase.objects.get(case_id="sum")
    assert case.revision == 2
    # Asked anew when a third one came in between, and when the form says nothing of a revision.
    cases.put_values(dataset, [{"id": "sum", "input": theirs, "expected": "IV"}], "lena")
    for odd in ({"over": "2"}, {"revision": ""}, {"revision": "99999999999"}, {"revision": "x"}):
        assert lead.client.post(page, {**mine, **odd}).status_code == 409, odd
    assert lead.client.post(page, {**mine, "over": "3"}).status_code == 302
    case.refresh_from_db()
    line = json.loads(case.revisions.get(number=4).line)
    assert case.revision == 4 and line["expected"] == {"text": "my text"}
    assert line["input"] == value
    assert [each.created_by for each in case.revisions.order_by("number")][1:3] == ["lena", "lena"]


def test_a_new_case_replaces_none_that_came_meanwhile(dataset):
    new = cases.Entering(lines.read({"id": "new", "input": "mine"}), over=0)
    with pytest.raises(cases.Meanwhile):
        cases.put(dataset, [(0, new)], "leo")
    assert GoldenCase.objects.get(case_id="new").revision == 1


def test_an_unchanged_form_is_no_revision(lead, dataset):
    tricky = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x\ny"}], "name": "n"}]}
    sent = {"id": "t", "input": tricky, "expected": {"text": "a\r\nb", "extra": 1},
            "assertions": [{"type": "contains", "value": ["a", "b"], "weight": 2},
                           {"type": "exact", "value": 4}]}  # fmt: skip
    cases.put_values(dataset, [sent], "leo")
    page = lead.client.get(f"{BASE}/golden/support/case/t")
    editor = page.context["editor"]
    form = {
        "revision": page.context["opened"],
        "title": editor.title,
        "expected": editor.expected.replace("\n", "\r\n").replace("\r\r", "\r"),
    }
    for row in editor.messages:
        form |= {f"message-{row.index}-role": row.role, f"message-{row.index}-content": row.content}
    for row in editor.assertions:
        form |= {f"assertion-{row.index}-kind": row.kind, f"assertion-{row.index}-value": row.value,
                 f"assertion-{row.index}-limit": row.limit}  # fmt: skip
    form |= {"tags": editor.tags, "split": editor.split, "source": editor.source, "note": editor.note}
    lead.client.post(f"{BASE}/golden/support/case/t", form)
    case = GoldenCase.objects.get(case_id="t")
    line = json.loads(case.revisions.get(number=case.revision).line)
    assert line["input"] == tricky and line["assertions"] == sent["assertions"]


def test_the_value_of_an_overlap_is_a_text_or_its_threshold(lead, dataset):
    threshold = {"type": "rouge_l", "value": 0.3}
    assert assertions.score(threshold, "the refund takes ten days", "a refund takes ten days").passed
    assert not assertions.score({**threshold, "value": 0.9}, "the refund takes ten days", "a refund").passed
    written = promptfoo._overlap("rouge-n", 0.5)(threshold, "a refund takes ten days")
    assert written == {"type": "rouge-n", "value": "a refund takes ten days", "threshold": 0.3}
    with pytest.raises(assertions.Unsuitable):
        assertions.check_form({"type": "bleu", "value": ["a"]})
    cases.put_values(dataset, [{"id": "r", "input": "q", "expected": "a", "assertions": [threshold]}], "leo")
    row = lead.client.get(f"{BASE}/golden/support/case/r").context["editor"].assertions[0]
    assert (row.value, row.limit) == ("", "0.3")


def test_the_preview_scores_an_output(lead, reviewer, dataset):
    address = f"{BASE}/golden/support/cases/preview"
    page = lead.client.post(address, {**FORM, "output": "it is 4.05", "near": "1"}).content.decode()
    assert "numeric" in page and "holds" in page and "&quot;id&quot;:&quot;&quot;" in page
    assert "fails" in lead.client.post(address, {**FORM, "output": "five"}).content.decode()
    assert "say what is asked" in lead.client.post(address, {}).content.decode()
    assert reviewer.client.post(address, FORM).status_code == 403


def native_line(page):
    return json.loads(html.unescape(page.split('<pre class="code">')[1].split("</pre>")[0]))


def test_the_preview_is_what_saving_makes(lead, dataset):
    """Fields that the form does not show are part of it, and so is the number of the revision."""
    value = {"messages": [{"role": "user", "content": "2+2?", "name": "rosa"}], "tools": ["calculator"]}
    check = {"type": "contains", "value": "4", "weight": 2}
    sent = {"id": "sum", "input": value, "expected": {"text": "4", "extra": 1}, "assertions": [check],
            "metadata": {"source": "adversarial", "ticket": "T-1"}}  # fmt: skip
    cases.put_values(dataset, [sent], "leo")
    form = {**FORM, "message-0-content": "2+2?", "assertion-0-kind": "contains", "assertion-0-limit": ""}
    form |= {"case_id": "sum", "revision": "1", "note": "typed"}
    shown = lead.client.post(f"{BASE}/golden/support/cases/preview", form).content.decode()
    lead.client.post(f"{BASE}/golden/support/case/sum", form)
    saved = json.loads(GoldenCase.objects.get(case_id="sum").revisions.get(number=2).line)
    assert saved["input"] == value and saved["metadata"]["ticket"] == "T-1" and saved["assertions"] == [check]
    assert native_line(shown) == saved
    again = lead.client.post(f"{BASE}/golden/support/cases/preview", {**form, "revision": "2"})
    assert native_line(again.content.decode()) == saved


def test_a_candidate_is_previewed_as_it_would_be_promoted(project, other_project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rosa")
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}").content.decode()
    assert f'name="candidate" value="{candidate.pk}"' in page and "Try an output" in page
    address = f"{BASE}/golden/support/cases/preview"
    form = {**FORM, "candidate": candidate.pk, "case_id": "LF-1", "note": "typed"}
    shown = native_line(lead.client.post(address, form).content.decode())
    assert shown["metadata"]["trace_id"] == failure.trace.trace_id
    lead.client.post(
        f"{BASE}/golden-candidates/{candidate.pk}", {**form, "action": "accept", "dataset": "support"}
    )
    assert json.loads(GoldenCase.objects.get(case_id="LF-1").revisions.get().line) == shown
    # A candidate of another project says nothing here.
    Candidate.objects.update(project=other_project)
    assert not native_line(lead.client.post(address, form).content.decode())["metadata"].get("trace_id")


@pytest.mark.parametrize(
    ("action", "value", "check"),
    [
        ("tag", "vip", lambda case, line: line["tags"] == ["refunds", "vip"]),
        ("untag", "refunds", lambda case, line: line["tags"] == []),
        ("split", "dev", lambda case, line: line["split"] == "dev"),
        ("uncritical", "", lambda case, line: line["critical"] is False),
        ("owner", "leo", lambda case, line: case.owner.username == "leo"),
        ("retired", "old", lambda case, line: case.state == "retired"),
        ("quarantined", "flaky", lambda case, line: case.state_reason == "flaky"),
    ],
)
def test_bulk_changes(lead, dataset, action, value, check):
    address = f"{BASE}/golden/support/cases/change"
    lead.client.post(address, {"case": ["c01", "c02"], "action": action, "value": value})
    for name in ("c01", "c02"):
        case = GoldenCase.objects.get(case_id=name)
        assert check(case, json.loads(case.revisions.get(number=case.revision).line))
    before = GoldenCase.objects.get(case_id="c05").revision
    for odd in ({}, {"case": "c05"}, {"case": "c05", "action": "split"},
                {"case": "c05", "action": "owner", "value": "sam"},
                {"case": "c05", "action": "retired"}, {"case": "c05", "action": "delete"}):  # fmt: skip
        assert lead.client.post(address, odd).status_code == 302
    untouched = GoldenCase.objects.get(case_id="c05")
    assert (untouched.revision, untouched.state, untouched.owner) == (before, "active", None)


def test_all_found_cases_change_at_once(lead, dataset):
    """By the filters of the list, over its pages, and only if as many match as the page said."""
    cases.put_values(dataset, [{"id": "other", "input": "q"}], "leo")
    page = lead.client.get(f"{BASE}/golden/support/cases", {"tag": "refunds"})
    assert 'name="all" value="60"' in page.content.decode() and page.context["query"] == "tag=refunds&"
    sent = {"query": page.context["query"], "all": "60", "action": "tag", "value": "vip", "case": "other"}
    address = f"{BASE}/golden/support/cases/change"
    assert (
        "60 cases match by now"
        in lead.client.post(address, {**sent, "all": "59"}, follow=True).content.decode()
    )
    assert (
        lead.client.get(f"{BASE}/golden/support/cases", {"tag": "vip"}).context["page"].paginator.count == 0
    )
    lead.client.post(address, sent)
    found = lead.client.get(f"{BASE}/golden/support/cases", {"tag": "vip"}).context["page"]
    assert found.paginator.count == 60 and "other" not in [
        each.case_id for each in found.paginator.object_list
    ]
    assert 'name="all"' not in lead.client.get(f"{BASE}/golden/support/cases?q=c01").content.decode()


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
    assert page.status_code == 422 and "Nothing was taken" in page.content.decode()


@pytest.fixture
def failure(project):
    """A trace that two reviewers found failing, with a corrected output."""
    queue = review.make_queue(project, overlap=2)
    trace = review.make_traces(project, 1, input="Call me on +49 30 901820", route="refunds")[0]
    items.enqueue(queue, [trace.trace_id])
    answer = Answer(verdict="fail", corrected_output="We cannot refund this.", note="promised a refund")
    for name in ("rosa", "ron"):
        user = review.make_reviewer(project, name)
        lease = leases.claim(queue, user)
        labels.submit(lease.item, Actor(user), lease.token, answer)
    return queue.items.get()


def test_only_a_confirmed_failure_becomes_a_candidate(project, failure, lead, dataset):
    assert candidates.confirmed(project, failure.pk)
    slot = lead.client.get(reverse("label_effects", args=["refunds", failure.pk])).content.decode()
    assert "Propose as a golden case" in slot
    lead.client.post(reverse("propose_candidate", args=["refunds", failure.pk]))
    candidate = Candidate.objects.get()
    assert candidates.propose(project, failure.pk, "x") == candidate
    assert candidate.content["expected"] == {"text": "We cannot refund this."}
    assert candidate.content["metadata"]["source"] == "production_failure"
    assert candidate.provenance["reviewers"] == ["ron", "rosa"]
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}")
    assert page.status_code == 200 and "We cannot refund this." in page.content.decode()
    form = {
        **FORM,
        "expected": "We cannot refund this.",
        "action": "accept",
        "dataset": "support",
        "case_id": "LF-1",
        "note": "",
    }
    Candidate.objects.update(
        content=candidate.content | {"metadata": {**candidate.content["metadata"], "note": "x"}}
    )
    assert lead.client.post(f"{BASE}/golden-candidates/{candidate.pk}", form).status_code == 302
    case = GoldenCase.objects.get(case_id="LF-1")
    assert "note" not in json.loads(case.revisions.get().line)["metadata"], "the lead took it out"
    assert case.trace == failure.trace and case.revisions.get().provenance["reviewers"] == ["ron", "rosa"]
    versions.publish(dataset, "leo", "with it")
    failure.refresh_from_db()
    assert failure.resolution.published_at is not None
    failure.trace.refresh_from_db()
    assert failure.trace.held
    again = lead.client.post(
        f"{BASE}/golden-candidates/{candidate.pk}", {"action": "reject", "reason": "late"}, follow=True
    )
    assert "decided about it before" in again.content.decode()


def test_a_label_that_is_taken_back_keeps_its_case_out(project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rosa")
    candidates.accept(candidate, dataset, {"id": "LF-1", "input": "q"}, "leo")
    labels.undo(failure, Actor(User.objects.get(username="rosa")))
    with pytest.raises(versions.Unfounded, match="LF-1"):
        versions.publish(dataset, "leo", "x")
    cases.set_state(dataset, ["LF-1"], "retired", "no failure")
    assert versions.publish(dataset, "leo", "x").number == 2


def test_a_candidate_is_merged_or_rejected_with_a_reason(project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rita")
    address = f"{BASE}/golden-candidates/{candidate.pk}"
    assert lead.client.post(address, {"action": "reject", "reason": " "}).status_code == 422
    assert lead.client.post(address, {"action": "merge", "into": "nothing"}).status_code == 422
    assert lead.client.post(address, {"action": "merge", "into": "c07"}).status_code == 302
    candidate.refresh_from_db()
    assert candidate.state == "merged" and candidate.case.case_id == "c07"
    versions.publish(dataset, "leo", "with it")
    failure.refresh_from_db()
    assert failure.resolution.published_at is not None


def test_a_candidate_is_merged_into_the_case_that_was_meant(project, failure, lead, dataset):
    """Two datasets may hold cases of one id."""
    other = cases.open_dataset(project, "other", "leo")
    cases.put_values(other, [{"id": "c07", "input": "other"}], "leo")
    candidate = candidates.propose(project, failure.pk, "rita")
    address = f"{BASE}/golden-candidates/{candidate.pk}"
    page = lead.client.get(address).content.decode()
    assert page.count("csrfmiddlewaretoken") >= 3
    for field in ('name="into" form="merge"', 'name="reason" form="reject"', 'name="of" form="merge"'):
        assert field in page, field
    merge = {"action": "merge", "into": "c07"}
    refused = lead.client.post(address, merge)
    assert refused.status_code == 422 and "say of which" in refused.content.decode()
    assert "We cannot refund this." in refused.content.decode()
    assert lead.client.post(address, {"reason": "no action"}).status_code == 422
    cases.set_state(other, ["c07"], "retired", "old")
    retired = lead.client.post(address, {**merge, "of": "other"})
    assert "is retired" in retired.content.decode()
    lead.client.post(address, {**merge, "of": "support"})
    candidate.refresh_from_db()
    assert candidate.case.dataset == dataset
    assert GoldenCase.objects.get(dataset=other).state == "retired"


def test_cases_of_one_id_in_two_datasets_do_not_hide_each_other(project, failure, lead, dataset):
    """The near duplicate is found in the one, by the other's side, and the link goes to the right one."""
    first = candidates.propose(project, failure.pk, "rosa")
    asked = lines.input_text(first.content["input"])
    first.delete()
    for name, text in (("aside", "Something else"), ("meant", asked), ("third", "Nothing alike")):
        cases.put_values(cases.open_dataset(project, name, "leo"), [{"id": "twin", "input": text}], "leo")
    form = {**FORM, "message-0-content": asked, "near": "1", "case_id": "twin", "revision": "1"}
    page = lead.client.post(f"{BASE}/golden/third/cases/preview", form).content.decode()
    assert "like meant/twin" in page and "asked already" in page
    itself = lead.client.post(f"{BASE}/golden/meant/cases/preview", form).content.decode()
    assert "asked already" not in itself
    candidate = candidates.propose(project, failure.pk, "rosa")
    assert candidate.provenance["nearest"] == {"dataset": "meant", "case_id": "twin", "similarity": 1}
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}").content.decode()
    assert f"{BASE}/golden/meant/case/twin" in page and "<option selected>meant</option>" in page


def test_what_is_not_confirmed_is_not_proposed(project, lead, dataset):
    queue = review.make_queue(project, "q2")
    items.enqueue(queue, [review.make_traces(project, 1, "z")[0].trace_id])
    item = queue.items.get()
    with pytest.raises(candidates.NotConfirmed):
        candidates.propose(project, item.pk, "x")
    lead.client.post(reverse("propose_candidate", args=["refunds", item.pk]))
    assert Candidate.objects.count() == 0
    assert (
        "Propose" not in lead.client.get(reverse("label_effects", args=["refunds", item.pk])).content.decode()
    )


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
