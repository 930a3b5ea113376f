"""The pages of leads: decisions, settings of queues, rubrics; and the reviewers' page, for everyone."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from ingest.models import Trace, TraceRecord
from ingest.records import content_hash
from reviewapp.review import (
    adjudication,
    editor,
    flags,
    items,
    labels,
    leases,
    queues,
    rubric_changes,
    rubrics,
)
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Flag, Queue, Resolution, ReviewItem, Rubric, RubricVersion, Stage
from reviewapp.review.reviewers import Pace
from reviewapp.templatetags.review import consensus, quality
from reviewapp.views.reviewers import medians
from tests.reviewapp.review.making import filled, make_queue, make_traces, reload

pytestmark = pytest.mark.django_db
BASE = "/projects/refunds"
XSS = '<img src=x onerror=alert(1)>"><script>alert(1)</script>'


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def give(queue, reviewer, **said):
    lease = leases.claim(queue, reviewer)
    return labels.submit(lease.item, Actor(reviewer), lease.token, Answer(**said)).label


@pytest.fixture
def tie(project, rita, paul):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    give(queue, rita, verdict="fail", note=XSS, failure_modes=["tone"], answers={"tone": 1})
    give(queue, paul, verdict="pass", answers={"tone": 3})
    return reload(item)


def test_each_page_as_owner_lead_member_and_stranger(project, tie, owner, lead, reviewer, stranger):
    of_leads = [
        "adjudication", f"adjudication/{tie.pk}", "queues/new", "queues/review/settings", "rubrics",
        "rubrics/answer-quality", "rubrics/answer-quality/edit", "rubrics/answer-quality/diff",
    ]  # fmt: skip
    for page in of_leads:
        for person, status in ((owner, 200), (lead, 200), (reviewer, 403), (stranger, 404)):
            assert person.client.get(f"{BASE}/{page}").status_code == status, page
        assert Client().get(f"{BASE}/{page}").status_code == 302
    for person, status in ((owner, 200), (reviewer, 200), (stranger, 404)):
        assert person.client.get(f"{BASE}/reviewers").status_code == status
    posts = [
        f"adjudication/{tie.pk}", f"adjudication/{tie.pk}/ask", f"adjudication/{tie.pk}/flags",
        f"adjudication/{tie.pk}/round", f"adjudication/{tie.pk}/remove", "queues/review/archive",
        "rubrics/answer-quality/discard",
    ]  # fmt: skip
    for page in posts:
        assert reviewer.client.post(f"{BASE}/{page}").status_code == 403, page
        assert stranger.client.post(f"{BASE}/{page}").status_code == 404, page


def test_a_lead_of_another_project_finds_no_item_of_ours(project, other_project, tie, stranger):
    assert stranger.client.get(f"/projects/elsewhere/adjudication/{tie.pk}").status_code == 404
    assert stranger.client.post(f"/projects/elsewhere/adjudication/{tie.pk}/remove").status_code == 404
    assert reload(tie).state == "adjudication"


def test_a_tie_is_shown_side_by_side_and_decided(tie, lead):
    listed = lead.client.get(f"{BASE}/adjudication").content.decode()
    assert "reviewers disagree" in listed
    page = lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()
    assert "rosa" in page and "paul" in page and "differs" in page
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    # "Judge wrong" is one of the reasons to give.
    assert f"review-items/{tie.pk}/judge" in page
    nothing = lead.client.post(f"{BASE}/adjudication/{tie.pk}", {"cause": "human_wrong"})
    assert nothing.status_code == 422
    said = {"verdict": "fail", "cause": "rubric_ambiguous", "note": "rule 4", "flag_rubric": "1"}
    done = lead.client.post(f"{BASE}/adjudication/{tie.pk}", said)
    assert done.status_code == 302 and done["Location"].endswith(f"?decided={tie.pk}")
    slot = f"review-items/{tie.pk}/effects"
    assert slot in lead.client.get(done["Location"]).content.decode()
    assert slot in lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()
    assert lead.client.get(f"{BASE}/adjudication/{tie.pk}?decided=1e9").status_code == 200
    resolution = Resolution.objects.get()
    assert (resolution.verdict, resolution.confirmed, resolution.by) == ("fail", True, lead.user)
    assert "confirmed" in lead.client.get(f"{BASE}/adjudication?show=decided").content.decode()
    assert "rule 4" in lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()


def test_who_decides_sees_what_the_reviewers_saw(project, rita, lead):
    queue = make_queue(project)
    (trace,) = make_traces(project, 1)
    said = [
        {"role": "system", "content": "Never promise money."},
        {"role": "user", "content": "Which card?"},
        {"role": "assistant", "content": "The green one."},
        {"role": "user", "content": "Is it blocked?"},
        {"role": "assistant", "tool_calls": [{"name": "get_gift_card", "arguments": {"card": "G-7"}}]},
        {"role": "tool", "name": "get_gift_card", "content": '{"valid": true}'},
    ]
    body = {
        "input": {"messages": said},
        "output": "That card was blocked.",
        "context": [{"id": "terms", "text": "A card is never opened again."}],
    }
    TraceRecord.objects.filter(trace=trace).update(body=body, sha256=content_hash("other"))
    (item,) = items.enqueue(queue, [trace.trace_id]).added
    give(queue, rita, verdict="fail")
    page = lead.client.get(f"{BASE}/adjudication/{item.pk}").content.decode()
    for words in ("Never promise money.", "The green one.", "Is it blocked?", "get_gift_card", "G-7",
                  "That card was", "never opened again"):  # fmt: skip
        assert words in page, words


def test_of_a_pair_with_two_questions_both_are_shown_to_who_decides(project, rita, lead):
    queue = make_queue(project, "pairs", kind="pair")
    one, two = make_traces(project, 2, prompt_version="v6")
    (item,) = items.enqueue_pairs(queue, [(one.trace_id, two.trace_id)]).added
    give(queue, rita, preference="a")
    page = lead.client.get(f"{BASE}/adjudication/{item.pk}").content.decode()
    for trace in (one, two):
        assert f"question {trace.trace_id}" in page and f"answer {trace.trace_id}" in page
    assert "Which was which" in page and "<b>v6</b>" in page


def test_a_decision_that_another_lead_made_meanwhile_is_not_written_over_unseen(tie, lead, owner):
    address = f"{BASE}/adjudication/{tie.pk}"
    said = {"verdict": "pass", "stands": "", "note": "what I typed"}
    assert owner.client.post(address, said | {"verdict": "fail"}).status_code == 302
    late = lead.client.post(address, said)
    assert late.status_code == 409
    page = late.content.decode()
    assert "decided it while you were reading: Fail" in page and "what I typed" in page
    first = Resolution.objects.get()
    assert f'name="stands" value="{first.pk}"' in page
    assert lead.client.post(address, said | {"stands": str(first.pk)}).status_code == 302
    assert Resolution.objects.count() == 2


def test_a_doubled_click_decides_once_and_is_no_error(tie, lead):
    said = {"verdict": "fail", "note": "rule 4", "stands": ""}
    first, again = (lead.client.post(f"{BASE}/adjudication/{tie.pk}", said) for _ in range(2))
    assert (first.status_code, again.status_code) == (302, 302)
    assert Resolution.objects.filter(by=lead.user).count() == 1


def test_who_judges_an_item_just_now_does_not_read_there_what_others_said(project, rita, lead):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    give(queue, rita, verdict="fail", note="canary-note")
    leases.claim(queue, lead.user)
    page = lead.client.get(f"{BASE}/adjudication/{item.pk}", follow=True).content.decode()
    assert "You are judging this yourself just now" in page and "canary-note" not in page


def test_flags_rounds_and_removal(tie, lead, rita):
    flags.flag(tie, rita, "look at this")
    assert "look at this" in lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()
    assert "flagged" in lead.client.get(f"{BASE}/adjudication?show=flagged").content.decode()
    lead.client.post(f"{BASE}/adjudication/{tie.pk}/flags")
    assert "look at this" not in lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()
    lead.client.post(f"{BASE}/adjudication/{tie.pk}/round")
    assert tie.queue.items.filter(round=2).count() == 1
    page = lead.client.get(f"{BASE}/adjudication/{tie.pk}").content.decode()
    removal = page.index(f"adjudication/{tie.pk}/remove")
    # Not one slip away from the decision: for good only once it is opened.
    assert page.rindex("<details", 0, removal) > page.rindex("</details>", 0, removal)
    assert "For good" in page[removal:]
    lead.client.post(f"{BASE}/adjudication/{tie.pk}/remove")
    assert reload(tie).state == "removed"
    assert lead.client.get(f"{BASE}/adjudication/{tie.pk}").status_code == 200


def test_what_waits_is_as_old_as_what_made_it_wait(tie, lead, rita):
    """Not as old as its place in the queue, where it lay for days before anyone read it."""
    ReviewItem.objects.update(enqueued_at=timezone.now() - timedelta(days=9))
    flags.flag(tie, rita, "look")
    for show in ("decide", "flagged"):
        page = lead.client.get(f"{BASE}/adjudication?show={show}").content.decode()
        assert ">0 min<" in page and "9 d" not in page, show
    Flag.objects.update(created_at=timezone.now() - timedelta(hours=3))
    assert ">3 h<" in lead.client.get(f"{BASE}/adjudication?show=flagged").content.decode()
    ReviewItem.objects.update(changed_since_review=True)
    Trace.objects.update(last_seen=timezone.now() - timedelta(hours=2))
    assert ">2 h<" in lead.client.get(f"{BASE}/adjudication?show=changed").content.decode()
    ReviewItem.objects.update(adjudication_reason="asked")
    assert "since a lead asked" in lead.client.get(f"{BASE}/adjudication").content.decode()


def test_what_waits_longest_is_decided_first(project, lead, rita, paul):
    queue = make_queue(project, overlap=2)
    late, early = filled(queue, 2)
    for item in (early, late):
        for reviewer, verdict in ((rita, "fail"), (paul, "pass")):
            lease = leases.reclaim(item, reviewer)
            labels.submit(lease.item, Actor(reviewer), lease.token, Answer(verdict=verdict))
    assert list(adjudication.waiting(project, "decide")) == [early, late]
    assert adjudication.next_after(project, early) == late


def test_the_list_asks_the_same_queries_for_any_length(
    project, lead, rita, paul, django_assert_max_num_queries
):
    queue = make_queue(project, overlap=2)
    filled(queue, 12)
    for _ in range(12):
        give(queue, rita, verdict="fail")
        give(queue, paul, verdict="pass")
    with django_assert_max_num_queries(12):
        assert lead.client.get(f"{BASE}/adjudication").content.count(b"reviewers disagree") >= 12


FORM = {
    "name": "Second", "slug": "second", "kind": "trace", "overlap": "2", "lease_minutes": "10",
    "assignment": "open", "audit_every": "4", "double_percent": "20", "double_minimum": "20", "blind": "on",
}  # fmt: skip


def test_a_queue_is_made_changed_moved_and_archived(project, queue, lead, rita):
    version = queue.rubric_version
    made = lead.client.post(f"{BASE}/queues/new", FORM | {"rubric_version": version.pk})
    assert made.status_code == 302, made.content.decode()[:3000]
    second = Queue.objects.get(slug="second")
    assert (second.overlap, second.lease_seconds, second.blind, second.double_share) == (2, 600, True, 0.2)
    taken = lead.client.post(f"{BASE}/queues/new", FORM | {"rubric_version": version.pk})
    assert taken.status_code == 422 and b"is taken" in taken.content.lower()
    newer = rubrics.publish(version.rubric, rubrics.content_of(version))
    named = FORM | {
        "rubric_version": newer.pk,
        "assignment": "named",
        "move_open": "on",
        "lease_minutes": "1",
    }
    assert lead.client.post(f"{BASE}/queues/second/settings", named).status_code == 422
    changed = lead.client.post(f"{BASE}/queues/second/settings", named | {"assignees": ["rosa"]})
    assert changed.status_code == 302
    second.refresh_from_db()
    assert (second.rubric_version, second.lease_seconds, second.assignment) == (newer, 60, "named")
    assert queues.admits(second, rita) and not queues.admits(second, lead.user)
    short = "Each item asks for 2 reviewers, and 1 can work this queue"
    assert short in lead.client.get(f"{BASE}/queues/second/settings").content.decode()
    lead.client.post(f"{BASE}/queues/second/settings", named | {"assignees": ["rosa", lead.user.username]})
    assert short[:10] not in lead.client.get(f"{BASE}/queues/second/settings").content.decode()
    lead.client.post(f"{BASE}/queues/second/archive")
    second.refresh_from_db()
    assert second.archived_at is not None


def test_what_waits_may_follow_to_a_version_later_and_what_stays_is_told(project, queue, lead, rita):
    filled(queue, 3)
    leases.claim(queue, rita)
    version = queue.rubric_version
    newer = rubrics.publish(version.rubric, rubrics.content_of(version))
    address = f"{BASE}/queues/{queue.slug}/settings"
    sent = FORM | {"rubric_version": newer.pk}

    def told(**more):
        return lead.client.post(address, sent | more, follow=True).content.decode()

    assert "0 waiting items moved to it. 3 open items still ask from another." in told()
    assert "New items ask from" not in told()
    assert set(queue.items.values_list("rubric_version", flat=True)) == {version.pk}
    assert "2 waiting items moved to it. 1 open item still asks from another." in told(move_open="on")
    assert queue.items.filter(rubric_version=newer).count() == 2


def editor_fields(page_form):
    """The editor's fields as a browser sends them."""
    sent = {"edit": page_form.edit, "guidelines": page_form.guidelines}
    for place, entry in enumerate(page_form.entries):
        sent |= {f"c{place}-{name}": value for name, value in entry.values.items()}
        sent |= {f"c{place}-{name}": "on" for name, value in entry.flags.items() if value}
        sent |= option_fields(place, *entry.options)
    for place, mode in enumerate(page_form.modes):
        if mode.is_row:
            sent |= {f"m{place}-{name}": value for name, value in (mode.values | {"key": mode.kept}).items()}
        elif mode.is_chosen:
            sent[f"m{place}-picked"] = mode.key
    return sent


def option_fields(place, *options):
    return {
        f"c{place}-o{number}-{name}": value
        for number, option in enumerate(options)
        for name, value in option.items()
    }


def draft_fields(rubric):
    return editor_fields(editor.of_version(rubrics.draft_of(rubric)))


def test_a_rubric_from_template_to_frozen_and_its_diff(project, lead):
    made = lead.client.post(f"{BASE}/rubrics", {"name": "Safety", "slug": "safety", "template": "safety"})
    assert made.status_code == 302
    rubric = Rubric.objects.get(slug="safety")
    fields = draft_fields(rubric)
    frozen = lead.client.post(f"{BASE}/rubrics/safety/edit", fields | {"freeze": "1"})
    assert frozen.status_code == 302, frozen.content.decode()[-3000:]
    first = RubricVersion.objects.get(rubric=rubric)
    assert first.stage == Stage.FROZEN and first.criteria.count() == 4
    fields = draft_fields(rubric)
    assert fields["c2-key"] == "severity"
    fields = {name: value for name, value in fields.items() if not re.match("m[0-9]", name)}
    fields |= {"c2-title": "How bad", "c3-type": "choice", "m0-picked": "other", "m1-label": "New one"}
    done = lead.client.post(f"{BASE}/rubrics/safety/edit", fields | {"save": "1"})
    assert done.status_code == 302, done.content.decode()[-3000:]
    stale = lead.client.post(f"{BASE}/rubrics/safety/edit", fields | {"c2-title": "Mine", "save": "1"})
    assert stale.status_code == 409 and b"Someone else has saved" in stale.content
    fields["edit"] = str(stale.context["form"].edit)
    again = lead.client.post(f"{BASE}/rubrics/safety/edit", fields | {"save": "1"})
    assert again.status_code == 302, "told of the other's text, one may save over it"
    draft = rubrics.open_draft(rubric)
    meaning = dict(draft.criteria.values_list("key", "meaning"))
    assert meaning == {"verdict": 1, "private": 1, "severity": 1, "kinds": 2}
    assert [mode["key"] for mode in draft.failure_modes] == ["new_one", "other"]
    page = lead.client.get(f"{BASE}/rubrics/safety/diff").content.decode()
    assert "words only" in page and "asks something else" in page and "How bad" in page
    lead.client.post(f"{BASE}/rubrics/safety/discard")
    assert rubrics.open_draft(rubric) is None


def test_a_diff_tells_the_order_what_was_added_and_each_words_of_an_option(project, lead):
    base = {"key": "a", "title": "Kind", "type": "choice",
            "options": [{"value": "x", "label": "Ex"}, {"value": "y", "label": "Why"}]}  # fmt: skip
    other, gone = {"key": "b", "title": "Polite", "type": "pass_fail"}, {"key": "c", "title": "Gone"}
    rubric = rubrics.create_empty(project, "odd", "Odd")
    first = rubrics.publish(
        rubric, rubrics.Content("", [], [base, other, gone | {"type": "number", "maximum": 5}])
    )
    helped = base | {
        "options": [{"value": "x", "label": "Ex", "help": "was"}, {"value": "y", "label": "Why"}]
    }
    new = {"key": "d", "title": "New", "type": "scale", "options": [1, 2], "required": True}
    second = rubrics.publish(rubric, rubrics.Content("", [], [other, helped, new]))
    told = {change.title: change for change in rubric_changes.diff(first, second)}
    assert told["Kind"].fields == (("Options", "x | Ex\ny | Why", "x | Ex | was\ny | Why"),)
    assert ("Answer", "", "ordinal scale") in told["New"].fields
    assert ("Required", "", "yes") in told["New"].fields and ("Critical", "", "no") not in told["New"].fields
    assert told["Gone"].fields == (("Answer", "number", ""), ("Greatest number", "5", ""))
    verdict = first.criteria.get(key="verdict").title
    assert told["Order"].fields == (("Order", f"{verdict}, Kind, Polite", f"{verdict}, Polite, Kind"),)
    page = lead.client.get(f"{BASE}/rubrics/odd/diff").content.decode()
    assert "asked in another order" in page and "words only" in page


def test_a_diff_names_the_fields_as_the_editor_does(project, lead):
    rubric = rubrics.create_empty(project, "odd", "Odd")
    was = {"key": "a", "title": "Polite", "type": "pass_fail"}
    now = was | {"title": "Kind", "help": "h", "shown": "after_fail", "weight": 2, "required": True,
                 "pass_example": "p", "fail_example": "f"}  # fmt: skip
    first, second = (rubrics.publish(rubric, rubrics.Content("", [], [each])) for each in (was, now))
    (change,) = rubric_changes.diff(first, second)
    page = lead.client.get(f"{BASE}/rubrics/odd/edit").content.decode()
    names = [name for name, _, _ in change.fields]
    assert len(names) == 7 and {"Question", "Asked", "An example that fails"} < set(names)
    for name in names:
        assert f">{name}<" in page, name


def test_a_criterion_that_is_moved_or_added_stays_open_with_the_focus(project, lead):
    rubric = rubrics.create_starter(project).rubric
    fields = draft_fields(rubric)
    address = f"{BASE}/rubrics/answer-quality/edit"

    def after(**step):
        page = lead.client.post(address, fields | step, HTTP_HX_REQUEST="true").content.decode()
        return page.count('class="criterion" open'), re.findall(r'id="([^"]+)"[^>]* autofocus', page)

    assert after(up="c2") == (1, ["c1-up"])
    assert after(down="c1") == (1, ["c2-down"])
    assert after(up="c1") == (1, ["c1-up"]), "the verdict stays first"
    last = sum(name.endswith("-title") for name in fields)
    assert after(add="c") == (1, [f"c{last}-title"])
    assert after(remove="c1") == (0, ["c-add"])


def test_a_version_is_told_with_its_own_number_of_criteria_however_many_queues_ask_it(project, lead):
    queues_made = [make_queue(project, slug) for slug in ("one", "two", "three")]
    version = queues_made[0].rubric_version
    page = lead.client.get(f"{BASE}/rubrics/answer-quality")
    told = page.context["versions"][0]
    assert (told.asked, told.queue_count) == (version.criteria.count(), 3)


def test_declaring_a_new_meaning_starts_a_new_number(project, lead):
    rubric = rubrics.create_starter(project).rubric
    fields = draft_fields(rubric) | {"c0-title": "Good enough to send?", "c0-new_meaning": "on"}
    lead.client.post(f"{BASE}/rubrics/answer-quality/edit", fields | {"freeze": "1"})
    assert rubrics.latest(rubric).criteria.get(key="verdict").meaning == 2


def test_a_new_meaning_stays_declared_from_one_save_of_the_draft_to_the_next(project, lead):
    rubric = rubrics.create_starter(project).rubric
    address = f"{BASE}/rubrics/answer-quality/edit"
    words = draft_fields(rubric) | {"c0-title": "Good enough to send?", "save": "1"}
    lead.client.post(address, words | {"c0-new_meaning": "on"})

    def opened():
        form = lead.client.get(address).context["form"]
        ticked = [entry.values["key"] for entry in form.entries if entry.new_meaning]
        told = {
            f"c{place}-new_meaning": "on" for place, entry in enumerate(form.entries) if entry.new_meaning
        }
        return editor_fields(form) | told | {"edit": form.edit}, ticked

    fields, ticked = opened()
    assert ticked == ["verdict"]
    lead.client.post(address, fields | {"guidelines": "Be kind.", "save": "1"})
    fields, ticked = opened()
    assert ticked == ["verdict"]
    lead.client.post(address, fields | {"freeze": "1"})
    newest = rubrics.latest(rubric)
    assert newest is not None and newest.guidelines == "Be kind."
    assert newest.criteria.get(key="verdict").meaning == 2
    assert not opened()[1], "the next draft begins with what is asked now"


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_declaration_outlives_a_structure_that_is_changed_and_put_back(project, lead, is_declared):
    """And a structure that is put back without one leaves the meaning as it was."""
    rubric = rubrics.create_starter(project).rubric
    rubrics.publish(
        rubric, rubrics.Content("", [], [{"key": "polite", "title": "Polite", "type": "pass_fail"}])
    )
    address = f"{BASE}/rubrics/answer-quality/edit"

    def save(step="save", **changed):
        form = lead.client.get(address).context["form"]
        ticked = {
            f"c{place}-new_meaning": "on" for place, each in enumerate(form.entries) if each.new_meaning
        }
        sent = editor_fields(form) | ticked | {"edit": form.edit, step: "1"} | changed
        assert lead.client.post(address, sent).status_code == 302

    declared = {"c1-new_meaning": "on"} if is_declared else {}
    save(**{"c1-title": "Is it polite?", "c1-type": "text"} | declared)
    save(guidelines="Be kind.")
    asked = lead.client.post(
        address, editor_fields(lead.client.get(address).context["form"]) | declared | {"preview": "1"}
    )
    shown = {each.key: each.meaning for each in asked.context["preview"][1]}
    assert shown["polite"] == 2, "the preview tells the number that it will have"
    save(**{"c1-type": "pass_fail"})
    ticked = [
        each.values["key"] for each in lead.client.get(address).context["form"].entries if each.new_meaning
    ]
    assert ticked == ["polite"] * is_declared
    save("freeze")
    newest = rubrics.latest(rubric)
    assert newest is not None and newest.criteria.get(key="polite").meaning == 1 + is_declared


def test_what_is_declared_and_restructured_has_the_next_number_when_it_is_frozen(project, lead):
    rubric = rubrics.create_starter(project).rubric
    one = {"key": "polite", "title": "Polite", "type": "pass_fail"}
    rubrics.publish(rubric, rubrics.Content("", [], [one]))
    changed = rubrics.Content("", [], [one | {"type": "text"}], new_meaning=frozenset({"polite", "verdict"}))
    third = rubrics.publish(rubric, changed)
    assert dict(third.criteria.values_list("key", "meaning")) == {"verdict": 2, "polite": 2}
    assert rubrics.publish(rubric, changed).criteria.get(key="polite").meaning == 3


@pytest.mark.parametrize(
    ("meaning", "change", "kept"),
    [
        (2, {"title": "Is it polite?"}, (True, 2)),
        (3, {"type": "text"}, (True, 2)),
        (2, {"type": "text"}, (False, 2)),
        (1, {"title": "Is it polite?"}, (False, 1)),
    ],
)
def test_a_draft_of_the_release_before_keeps_what_it_declares(project, meaning, change, kept):
    rubric = rubrics.create_starter(project).rubric
    one = {"key": "polite", "title": "Polite", "type": "pass_fail"}
    rubrics.publish(rubric, rubrics.Content("", [], [one]))
    polite = rubrics.draft_of(rubric).criteria.filter(key="polite")
    polite.update(meaning=meaning, **change)
    import_module("reviewapp.migrations.0007_declared_meaning").keep_declared(apps, None)
    assert polite.values_list("new_meaning", "meaning").get() == kept


def test_a_declared_meaning_can_be_taken_back(project, lead):
    rubric = rubrics.create_starter(project).rubric
    address = f"{BASE}/rubrics/answer-quality/edit"
    words = draft_fields(rubric) | {"c0-title": "Good enough to send?"}
    lead.client.post(address, words | {"c0-new_meaning": "on", "save": "1"})
    edit = lead.client.get(address).context["form"].edit
    lead.client.post(address, words | {"edit": edit, "freeze": "1"})
    assert rubrics.latest(rubric).criteria.get(key="verdict").meaning == 1


def test_the_editor_says_what_to_mend_and_loses_nothing(project, lead):
    rubric = rubrics.create_starter(project).rubric
    fields = draft_fields(rubric) | {
        "c1-type": "choice", "c2-key": "verdict", "c5-title": XSS, "c5-type": "number",
        "c5-minimum": "three", "c5-weight": "1", "c5-shown": "always",
    }  # fmt: skip
    page = lead.client.post(f"{BASE}/rubrics/answer-quality/edit", fields | {"save": "1"})
    text = page.content.decode()
    assert page.status_code == 422
    assert "Takes 2 to 30 options, not 0" in text and "Minimum must be a number" in text
    assert "&#x27;verdict&#x27; is there already" in text
    assert "<script>alert" not in text and "three" in text
    steps = {"add": ("c", "m", "c1-o", "c99-o", "x"), "remove": ("c1", "c99", "c1-o9", "m0", "c0", "m"),
             "up": ("c2", "x", "c1-o", "c77-o1"), "down": ("c1", "c1-o1", "m99"), "pick": ("Task", "x"),
             "drop": ("Safety",), "reword": ("m0", "m99", "c1", "m", "x")}  # fmt: skip
    for step in ({name: value} for name, values in steps.items() for value in values):
        assert lead.client.post(f"{BASE}/rubrics/answer-quality/edit", fields | step).status_code == 200
    odd = {"edit": "9" * 30, "c99999-title": "x", "cx-title": "y", "save": "1", "guidelines": "a\0b"}
    assert lead.client.post(f"{BASE}/rubrics/answer-quality/edit", odd).status_code in (409, 422)


def test_opening_and_saving_a_draft_changes_no_meaning(project, lead):
    """What came by the API in forms that a field of text cannot tell apart."""
    criteria = [
        {"key": "stars", "title": "Stars", "type": "choice", "options": [1, 2]},
        {"key": "either", "title": "Either", "type": "choice",
         "options": [{"value": "a|b", "label": "A | B", "help": "either\n\nof them |"},
                     {"value": "c\\", "label": "C|"}]},
        {"key": "grade", "title": "Grade", "type": "scale", "options": ["1", "2", "-"]},
        {"key": "cost", "title": "Cost", "type": "number", "minimum": 0.1234567, "maximum": 12345678},
    ]  # fmt: skip
    rubric = rubrics.create_empty(project, "odd", "Odd")
    first = rubrics.publish(rubric, rubrics.Content("", [{"label": "Yes | no"}], criteria))
    saved = lead.client.post(f"{BASE}/rubrics/odd/edit", draft_fields(rubric) | {"save": "1"})
    assert saved.status_code == 302
    draft = rubrics.open_draft(rubric)
    assert set(draft.criteria.values_list("meaning", flat=True)) == {1}
    assert draft.failure_modes == first.failure_modes
    assert rubric_changes.diff(first, draft) == []


def test_the_draft_is_previewed_as_it_stands_without_being_stored(project, lead):
    rubric = rubrics.create_starter(project).rubric
    fields = draft_fields(rubric)
    edit = rubrics.open_draft(rubric).edit
    step = {"c1-title": "Polite enough?", "c1-shown": "after_fail", "preview": "1"}
    page = lead.client.post(f"{BASE}/rubrics/answer-quality/edit", fields | step, HTTP_HX_REQUEST="true")
    shown = page.content.decode().partition('id="preview"')[2]
    assert "<b>Polite enough?</b>" in shown and "only after fail" in shown
    assert rubrics.open_draft(rubric).edit == edit
    assert "States something that no source supports." in shown, "the help of a failure mode"
    wrong = lead.client.post(f"{BASE}/rubrics/answer-quality/edit", fields | step | {"c1-key": "A b"})
    assert wrong.status_code == 422 and 'id="preview"' not in wrong.content.decode()


def test_the_preview_explains_each_option_and_asks_in_the_order_of_the_screen(project, lead):
    rubric = rubrics.create_empty(project, "odd", "Odd")
    options = [{"value": "x", "label": "Ex", "help": "Says it once."}, {"value": "y", "label": "Why"}]
    kind = {"key": "kind", "title": "Kind", "type": "choice", "options": options}
    grade = {"key": "grade", "title": "Grade", "type": "scale", "options": options}
    modes = [{"label": "Too long", "help": "Over a page."}]
    rubrics.publish(rubric, rubrics.Content("", modes, [kind, grade, {"key": "verdict", "title": "Verdict"}]))
    page = lead.client.get(f"{BASE}/rubrics/odd").content.decode()
    assert page.count('<span class="choice-help">Says it once.</span>') == 2
    assert '<span class="choice-help">Over a page.</span>' in page
    places = [page.index(f"<b>{title}</b>") for title in ("Verdict", "What went wrong", "Kind", "Grade")]
    assert places == sorted(places)


def test_what_was_found_unclear_stands_by_the_rubric(tie, lead, rita):
    flags.flag(tie, rita, XSS, on_rubric=True)
    flags.flag(tie, lead.user, "about the item alone")
    for page in ("rubrics/answer-quality", "rubrics/answer-quality/edit"):
        text = lead.client.get(f"{BASE}/{page}").content.decode()
        assert "Found unclear" in text and f"adjudication/{tie.pk}" in text
        assert "<script>alert" not in text and "about the item alone" not in text
    lead.client.post(f"{BASE}/adjudication/{tie.pk}/flags")
    assert "Found unclear" not in lead.client.get(f"{BASE}/rubrics/answer-quality").content.decode()


def test_a_frozen_version_is_never_changed(project):
    version = rubrics.create_starter(project)
    for act in (
        lambda: RubricVersion.objects.filter(pk=version.pk).update(guidelines="other"),
        lambda: version.criteria.update(title="other"),
        lambda: version.criteria.filter(key="tone").delete(),
        lambda: version.criteria.create(version=version, key="new", title="new"),
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            act()


def test_ones_own_history_tells_what_items_came_to_once_one_has_looked(project, tie, lead):
    """Else a label could be taken back after a look at what the others said, and given anew as if blind."""
    user = tie.assignments.get(reviewer__username="rosa").reviewer
    rosa, own = signed_in(user), f"{BASE}/reviewers/{user.pk}"
    assert "a lead decides" not in rosa.get(own).content.decode()
    rosa.get(f"{BASE}/items/{tie.pk}")
    assert "a lead decides" in rosa.get(own).content.decode()


def test_the_reviewers_page_leads_to_the_one_list_of_ones_own_labels(queue, reviewer):
    (item,) = filled(queue, 1)
    own = f'href="{BASE}/reviewers/{reviewer.user.pk}">All your labels'
    assert own not in reviewer.client.get(f"{BASE}/reviewers").content.decode()
    give(queue, reviewer.user, verdict="fail")
    page = reviewer.client.get(f"{BASE}/reviewers").content.decode()
    assert own in page
    assert f"{BASE}/items/{item.pk}" not in page


def test_a_reviewers_quality_is_drawn_to_a_half_and_told_from_thirty_on():
    figures = dict.fromkeys(Pace.__dataclass_fields__, 0)
    few = Pace(**figures | {"agreed": 29, "comparable": 29, "decided": 10, "known": 12})
    assert (consensus(few), quality(few)) == ("too few, 1 more", "too few, 8 more")
    many = Pace(**figures | {"decided": 20, "decided_right": 18, "known": 10, "known_right": 9})
    assert quality(many) == ".88 (.74–.97), n\u00a0=\u00a030"


def test_a_median_is_told_of_three_reviewers_or_more():
    """Of two it tells one of them what the other does, and of one it is that one's own."""
    nothing = dict.fromkeys(Pace.__dataclass_fields__, 0)
    timed = [Pace(**nothing | {"labels": n, "median_seconds": n}) for n in (3, 5, 7)]
    untimed = [Pace(**nothing | {"labels": n, "median_seconds": None}) for n in (9, 11)]
    assert medians(timed) == {"labels": 5, "seconds": 5}
    assert medians([*timed[:1], *untimed]) == {"labels": 9, "seconds": None}
    assert medians(timed[:2]) == {"labels": None, "seconds": None}


def test_reviewers_see_themselves_and_leads_everyone(project, queue, reviewer, lead, rita):
    filled(queue, 3)
    give(queue, rita, verdict="fail")
    give(queue, reviewer.user, verdict="pass")
    own = reviewer.client.get(f"{BASE}/reviewers").content.decode()
    assert "your own figures" in own
    everyone = lead.client.get(f"{BASE}/reviewers?days=7").content.decode()
    assert "rosa" in everyone
    assert items.miscounted(project) == 0
