"""The editor: cases by hand, two people at one case, the preview, and one change to many cases."""

import json

import pytest
from django.http import QueryDict
from django.utils.html import escape

from evaluation.golden.content import assertions, lines, promptfoo
from evaluation.golden.curating import bulk, differences
from evaluation.golden.draft import cases
from evaluation.golden.models import CaseRevision, GoldenCase
from tests.evaluation.golden.entering import BASE, FORM, native_line, put_values


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
    put_values(dataset, [{"id": "sum", "input": value, "expected": "4"}], "leo")
    page = f"{BASE}/golden/support/case/sum"
    assert 'name="revision" value="1"' in lead.client.get(page).content.decode()
    # In place of the message that the form shows first, another one.
    theirs = {"messages": [{"role": "system", "content": "Be brief."}, *value["messages"]]}
    put_values(dataset, [{"id": "sum", "input": theirs, "expected": "<b>four</b>"}], "lena")
    mine = {**FORM, "message-0-content": "2+2?", "expected": "my text", "revision": "1"}
    refused = lead.client.post(page, mine)
    text = refused.content.decode()
    assert refused.status_code == 409 and "lena saved revision 2" in text
    assert "my text</textarea>" in text and escape("+ <b>four</b>") in text and "<b>four" not in text
    assert 'name="revision" value="1"' in text and 'name="over" value="2"' in text
    case = GoldenCase.objects.get(case_id="sum")
    assert case.revision == 2
    # Asked anew when a third one came in between, and when the form says nothing of a revision.
    put_values(dataset, [{"id": "sum", "input": theirs, "expected": "IV"}], "lena")
    for odd in ({"over": "2"}, {"revision": ""}, {"revision": "99999999999"}, {"revision": "x"}):
        assert lead.client.post(page, {**mine, **odd}).status_code == 409, odd
    assert lead.client.post(page, {**mine, "over": "3"}).status_code == 302
    case.refresh_from_db()
    line = json.loads(case.revisions.get(number=4).line)
    assert case.revision == 4 and line["expected"] == {"text": "my text"}
    assert line["input"] == value
    assert [each.created_by for each in case.revisions.order_by("number")][1:3] == ["lena", "lena"]
    # What was saved over can still be read.
    read = lead.client.get(page).content.decode()
    assert (
        escape("+ <b>four</b>") in read
        and "+ IV" in read
        and "\u2212 IV" in read
        and "First revision." in read
    )


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
    put_values(dataset, [sent], "leo")
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
    put_values(dataset, [{"id": "r", "input": "q", "expected": "a", "assertions": [threshold]}], "leo")
    row = lead.client.get(f"{BASE}/golden/support/case/r").context["editor"].assertions[0]
    assert (row.value, row.limit) == ("", "0.3")


def test_the_preview_scores_an_output(lead, reviewer, dataset):
    address = f"{BASE}/golden/support/cases/preview"
    page = lead.client.post(address, {**FORM, "output": "it is 4.05", "near": "1"}).content.decode()
    assert "numeric" in page and "holds" in page and "&quot;id&quot;:&quot;&quot;" in page
    assert "fails" in lead.client.post(address, {**FORM, "output": "five"}).content.decode()
    assert "say what is asked" in lead.client.post(address, {}).content.decode()
    assert reviewer.client.post(address, FORM).status_code == 403


def test_the_preview_is_what_saving_makes(lead, dataset):
    """Fields that the form does not show are part of it, and so is the number of the revision."""
    value = {"messages": [{"role": "user", "content": "2+2?", "name": "rosa"}], "tools": ["calculator"]}
    check = {"type": "contains", "value": "4", "weight": 2}
    sent = {"id": "sum", "input": value, "expected": {"text": "4", "extra": 1}, "assertions": [check],
            "metadata": {"source": "adversarial", "ticket": "T-1"}}  # fmt: skip
    put_values(dataset, [sent], "leo")
    form = {**FORM, "message-0-content": "2+2?", "assertion-0-kind": "contains", "assertion-0-limit": ""}
    form |= {"case_id": "sum", "revision": "1", "note": "typed"}
    shown = lead.client.post(f"{BASE}/golden/support/cases/preview", form).content.decode()
    lead.client.post(f"{BASE}/golden/support/case/sum", form)
    saved = json.loads(GoldenCase.objects.get(case_id="sum").revisions.get(number=2).line)
    assert saved["input"] == value and saved["metadata"]["ticket"] == "T-1" and saved["assertions"] == [check]
    assert native_line(shown) == saved
    again = lead.client.post(f"{BASE}/golden/support/cases/preview", {**form, "revision": "2"})
    assert native_line(again.content.decode()) == saved


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
    put_values(dataset, [{"id": "other", "input": "q"}], "leo")
    page = lead.client.get(f"{BASE}/golden/support/cases", {"tag": "refunds"})
    assert 'name="all" value="60"' in page.content.decode() and page.context["query"] == "tag=refunds&"
    sent = {"query": page.context["query"], "all": "60", "action": "tag", "value": "vip", "case": "other"}
    address = f"{BASE}/golden/support/cases/change"
    assert (
        "60 cases match now" in lead.client.post(address, {**sent, "all": "59"}, follow=True).content.decode()
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
    few = lead.client.get(f"{BASE}/golden/support/cases?q=c0").content.decode()
    assert 'name="all" value="10"' in few and "on every page" not in few


@pytest.mark.parametrize("words", ["Parcel ", 'said "soon"', "in Köln", "tracked"])
def test_a_case_is_found_by_what_it_asks_and_expects(lead, dataset, words):
    turns = [
        {"role": "user", "content": "Where is my parcel?"},
        {"role": "assistant", "content": "Let me see."},
        {"role": "user", "content": 'They said "soon".'},
    ]
    lines = [
        {"id": "found", "input": turns, "expected": "It is in Köln.", "metadata": {"note": "Tracked"}},
        {"id": "other", "input": "q", "expected": "a"},
    ]
    put_values(dataset, lines, "leo")
    page = lead.client.get(f"{BASE}/golden/support/cases", {"q": words}).context["page"]
    assert [each.case_id for each in page.paginator.object_list] == ["found"]


def test_a_title_alone_is_saved_and_makes_no_revision(lead, dataset):
    """It is for lists; what is published stays as it is."""
    address = f"{BASE}/golden/support/case/sum"
    lead.client.post(f"{BASE}/golden/support/cases/new", {**FORM, "case_id": "sum"})
    shown = lead.client.get(address).content.decode()
    assert 'name="title" value=""' in shown and 'placeholder="What is 2+2?"' in shown
    form = {**FORM, "revision": "1", "titled": "", "state": "active"}
    said = lead.client.post(address, {**form, "title": "Small sums"}, follow=True).content.decode()
    case = GoldenCase.objects.get(case_id="sum")
    assert "sum has another title" in said and (case.title, case.revision) == ("Small sums", 1)
    assert 'name="titled" value="Small sums"' in said
    # Left alone, emptied, and then following the question.
    lead.client.post(address, {**form, "titled": "Small sums", "title": "Small sums", "expected": "four"})
    case.refresh_from_db()
    assert (case.title, case.revision) == ("Small sums", 2)
    lead.client.post(
        address, {**form, "revision": "2", "titled": "Small sums", "title": "", "expected": "four"}
    )
    case.refresh_from_db()
    assert (case.title, case.revision) == ("What is 2+2?", 2)
    lead.client.post(address, {**form, "revision": "2", "title": "", "message-0-content": "3+3?"})
    case.refresh_from_db()
    assert (case.title, case.revision) == ("3+3?", 3)


def test_two_titles_are_both_shown(lead, dataset):
    address = f"{BASE}/golden/support/case/sum"
    lead.client.post(f"{BASE}/golden/support/cases/new", {**FORM, "case_id": "sum"})
    form = {**FORM, "revision": "1", "titled": "", "state": "active"}
    lead.client.post(address, {**form, "title": "theirs"})
    # Who left it alone takes nothing away; who changed it too is asked.
    lead.client.post(address, {**form, "title": "", "expected": "four"})
    assert GoldenCase.objects.get(case_id="sum").title == "theirs"
    refused = lead.client.post(address, {**form, "revision": "2", "title": "mine", "expected": "four"})
    page = refused.content.decode()
    assert refused.status_code == 409 and "changed its title after you opened" in page
    assert "+ theirs" in page and "+ mine" in page and 'name="title" value="mine"' in page
    over = {**form, "revision": "2", "title": "mine", "expected": "four", "over": "2"}
    assert lead.client.post(address, over).status_code == 302
    assert GoldenCase.objects.get(case_id="sum").title == "mine"


def test_a_written_title_and_the_provenance_outlive_a_posted_revision(dataset):
    entering = cases.Entering(lines.read({"id": "sum", "input": "2+2?"}), {"reviewers": ["rosa"]}, "Sums")
    cases.put(dataset, [(0, entering)], "leo")
    put_values(dataset, [{"id": "sum", "input": "3+3?"}, {"id": "c01", "input": "other?"}], "ci")
    case = GoldenCase.objects.get(case_id="sum")
    assert case.title == "Sums" and case.revisions.get(number=2).provenance == {"reviewers": ["rosa"]}
    assert GoldenCase.objects.get(case_id="c01").title == "other?", "what was the question follows it"


def test_a_case_that_was_retired_meanwhile_does_not_come_back_unasked(lead, dataset):
    address = f"{BASE}/golden/support/case/c05"
    opened = lead.client.get(address).content.decode()
    assert 'name="state" value="active"' in opened
    cases.set_state(dataset, ["c05"], "retired", "policy ended")
    form = {**FORM, "revision": "1", "state": "active", "note": "kept text"}
    refused = lead.client.post(address, form)
    page = refused.content.decode()
    assert refused.status_code == 422 and "retired since you opened it" in page and "policy ended" in page
    assert "kept text" in page and "Save and bring it back" in page and 'name="state" value="retired"' in page
    assert lead.client.post(address, {**form, "state": "retired"}).status_code == 302
    assert GoldenCase.objects.get(case_id="c05").state == "active"


def revision(**value):
    line = lines.read({"id": "a", "input": "q", **value}).line(1)
    return CaseRevision(line=line)


def test_differences_show_what_differs():
    """Also an earlier message, a role, a limit: what reads alike at first sight."""
    system, question = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Refund?"}
    before = revision(
        input=[system, question], assertions=[{"type": "numeric", "value": 1, "tolerance": 0.1}]
    )
    after = revision(
        input=[{**system, "content": "Be kind."}, {**question, "role": "tool"}],
        assertions=[{"type": "numeric", "value": 1, "tolerance": 0.2}],
    )
    found = {each.field: (each.before, each.after) for each in differences.between(before, after)}
    assert found["input[0] system"] == ("Be brief.", "Be kind.")
    assert '"user"' in found["input[1] tool"][0] and '"tool"' in found["input[1] tool"][1]
    assert "0.1" in found["assertions[0] numeric"][0] and "0.2" in found["assertions[0] numeric"][1]
    assert len(found) == 3
    (longer,) = differences.between(revision(), revision(input=[{"role": "user", "content": "q"}, system]))
    assert (longer.field, longer.before, longer.after) == ("input[1] system", "", "Be brief.")


def test_tags_with_commas_stay_whole(lead, dataset):
    put_values(dataset, [{"id": "t", "input": "q", "tags": ["Berlin, Mitte", " x"]}], "leo")
    editor = lead.client.get(f"{BASE}/golden/support/case/t").context["editor"]
    form = {"message-0-content": "q", "tags": editor.tags, "split": "test", "source": "representative"}
    lead.client.post(f"{BASE}/golden/support/case/t", {**form, "revision": "1", "state": "active"})
    assert GoldenCase.objects.get(case_id="t").revision == 1
    sent = {"case": "t", "action": "tag", "value": "a, b"}
    said = lead.client.post(f"{BASE}/golden/support/cases/change", sent, follow=True).content.decode()
    assert "one tag at a time" in said and GoldenCase.objects.get(case_id="t").revision == 1


def test_a_bulk_change_makes_nothing_that_the_editor_would_refuse(lead, dataset):
    sent = {"case": ["c01", "c02"], "action": "split", "value": "s" * 61}
    said = lead.client.post(f"{BASE}/golden/support/cases/change", sent, follow=True).content.decode()
    assert "Nothing was changed. c01" in said and "at most 60 characters" in said
    assert GoldenCase.objects.get(case_id="c02").revision == 1


def test_a_bulk_change_keeps_what_was_saved_while_it_waited(dataset, monkeypatch):
    """It reads the cases when nobody else can write them any more."""
    lock, saved = cases.lock, []

    def waited(of):
        if not saved:
            saved.append(True)
            put_values(dataset, [{"id": "c07", "input": "7", "expected": "saved meanwhile"}], "lena")
        return lock(of)

    monkeypatch.setattr(cases, "lock", waited)
    bulk.change(dataset, QueryDict("case=c07&action=tag&value=vip"), [], "leo")
    line = json.loads(CaseRevision.objects.filter(case__case_id="c07").latest("number").line)
    assert line["tags"] == ["vip"] and line["expected"] == {"text": "saved meanwhile"}


def test_a_case_is_given_away_and_retired_from_its_own_page(lead, reviewer, dataset):
    page = f"{BASE}/golden/support/case/c05"
    assert "Change course" in lead.client.get(page).content.decode()
    assert "Change course" not in reviewer.client.get(page).content.decode()
    change = f"{BASE}/golden/support/cases/change"
    for action, value in (("owner", "leo"), ("retired", "policy ended")):
        sent = {"case": "c05", "back": "c05", "action": action, "value": value}
        assert lead.client.post(change, sent)["Location"] == page
    case = GoldenCase.objects.get(case_id="c05")
    assert (case.owner.username, case.state, case.state_reason) == ("leo", "retired", "policy ended")
    assert "bring back" in lead.client.get(page).content.decode()
    odd = {"case": "c05", "back": "c05\0x/..", "action": "active"}
    assert lead.client.post(change, odd)["Location"] == f"{BASE}/golden/support/cases"


@pytest.mark.parametrize(
    ("assertion", "words"),
    [
        ({"value": 4}, "1234568 is not 4"),
        ({"value": 1234567, "tolerance": 0.5}, "1234568 is not 1234567 ± 0.5"),
    ],
)
def test_a_number_that_is_off_is_told_in_full(assertion, words):
    assert assertions.score({"type": "numeric", **assertion}, "it is 1,234,568", "").words == words
