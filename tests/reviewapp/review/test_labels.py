"""Submit, undo, change after the reveal, and what the labels of an item come to."""

import itertools
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from ingest.models import Trace
from reviewapp.models import Role
from reviewapp.review import (
    drafts,
    flags,
    items,
    labels,
    leases,
    queues,
    resolutions,
    rubrics,
    snapshots,
    training,
)
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import (
    Assignment,
    Draft,
    Flag,
    ItemState,
    Kind,
    Label,
    LabelAnswer,
    Method,
    Resolution,
    ReviewItem,
)
from reviewapp.review.refusals import (
    DraftConflict,
    Invalid,
    LeaseLost,
    NotAllowed,
    NothingToUndo,
    Published,
    Refusal,
)
from reviewapp.screen import evidence
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
    UNSURE,
    assert_sound,
    filled,
    in_figures,
    late_span,
    make_queue,
    make_reviewer,
    make_traces,
    reload,
)

pytestmark = pytest.mark.django_db


def give(queue, reviewer, answer, item=None):
    """Claim (this item) and submit; the label."""
    lease = leases.reclaim(reload(item), reviewer) if item else leases.claim(queue, reviewer)
    return labels.submit(lease.item, Actor(reviewer), lease.token, answer).label


def test_one_label_settles_an_item_of_overlap_one(queue, rita):
    (item,) = filled(queue, 1)
    label = give(queue, rita, FAIL)
    item = reload(item)
    assert item.state == ItemState.RESOLVED
    assert (item.resolution.method, item.resolution.verdict) == (Method.SINGLE, "fail")
    assert not item.resolution.confirmed
    assert item.resolution.labels == [label.pk]
    assert label.snapshot_id == item.snapshot_id and label.kind == Kind.ANSWER
    assert_sound(queue.project)


def test_a_repeat_of_a_key_gives_the_first_answer(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    first = labels.submit(lease.item, Actor(rita), lease.token, PASS, "k-1")
    again = labels.submit(lease.item, Actor(rita), lease.token, FAIL, "k-1")
    assert first.is_new and not again.is_new
    assert again.label.pk == first.label.pk and Label.objects.count() == 1


def test_a_doubled_click_without_a_key_gives_one_label(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    labels.submit(lease.item, Actor(rita), lease.token, PASS)
    assert not labels.submit(lease.item, Actor(rita), lease.token, PASS).is_new
    assert Label.objects.count() == 1


def test_a_key_of_another_item_is_refused(queue, rita):
    filled(queue, 2)
    first, second = leases.claim(queue, rita), leases.claim(queue, rita)
    labels.submit(first.item, Actor(rita), first.token, PASS, "k")
    with pytest.raises(Invalid) as refused:
        labels.submit(second.item, Actor(rita), second.token, PASS, "k")
    assert refused.value.errors[0]["field"] == "idempotency_key"


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (Answer(), "verdict"),
        (Answer(verdict="maybe"), "verdict"),
        (Answer(verdict="pass", preference="a"), "preference"),
        (Answer(verdict="pass", confidence="rather"), "confidence"),
        (Answer(verdict="pass", failure_modes=["tone"]), "failure_modes"),
        (Answer(verdict="fail", failure_modes=["no such"]), "failure_modes"),
        (Answer(verdict="pass", answers={"no-such": 1}), "answers.no-such"),
        (Answer(verdict="pass", answers={"grounded": "maybe"}), "answers.grounded"),
        (Answer(verdict="pass", answers={"tone": 7}), "answers.tone"),
    ],
)
def test_what_does_not_fit_the_rubric_is_refused_with_its_field(queue, rita, answer, field):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    with pytest.raises(Invalid) as refused:
        labels.submit(lease.item, Actor(rita), lease.token, answer)
    assert [error["field"] for error in refused.value.errors] == [field]
    assert labels.submit(lease.item, Actor(rita), lease.token, PASS).is_new


def test_answers_are_kept_with_the_criterion_they_answer(queue, rita):
    filled(queue, 1)
    answer = Answer(
        verdict="fail", answers={"tone": 2, "grounded": ""}, failure_modes=["tone", "hallucination"]
    )
    label = give(queue, rita, answer)
    assert [(each.criterion.key, each.value) for each in LabelAnswer.objects.all()] == [("tone", 2)]
    assert label.failure_modes == ["hallucination", "tone"]


VOTES = [
    (["fail", "fail"], ("fail", True)),
    (["pass", "pass"], ("pass", False)),
    (["pass", "fail"], "tie"),
    (["fail", "cannot_tell"], "cannot_tell"),
    (["cannot_tell"], "cannot_tell"),
    (["fail", "fail", "pass"], ("fail", True)),
    (["fail", "fail", "cannot_tell"], ("fail", True)),
    (["pass", "pass", "fail"], ("pass", False)),
    (["fail", "pass", "cannot_tell"], "cannot_tell"),
    (["fail", "fail", "pass", "pass"], "tie"),
]


@pytest.mark.parametrize(("votes", "outcome"), VOTES)
def test_what_several_labels_come_to_whatever_their_order(project, votes, outcome):
    queue = make_queue(project, overlap=len(votes))
    people = [make_reviewer(project, f"r{n}") for n in range(len(votes))]
    orders = sorted(set(itertools.permutations(votes)))
    made = filled(queue, len(orders))
    for item, order in zip(made, orders, strict=True):
        for person, vote in zip(people, order, strict=True):
            assert reload(item).state == ItemState.OPEN
            give(queue, person, Answer(verdict=vote), item)
        item = reload(item)
        if isinstance(outcome, str):
            assert (item.state, item.adjudication_reason) == (ItemState.ADJUDICATION, outcome)
            assert item.resolution is None
        else:
            assert item.state == ItemState.RESOLVED
            assert (item.resolution.verdict, item.resolution.confirmed) == outcome
    assert_sound(project)


def test_a_lead_decides_and_confirms_only_what_another_saw_too(project, rita, paul, lead_user):
    queue = make_queue(project, overlap=2)
    first, second, third = filled(queue, 3)
    for item, votes in ((first, "pass fail"), (second, "pass cannot_tell"), (third, "pass pass")):
        for person, vote in zip((rita, paul), votes.split(), strict=True):
            give(queue, person, Answer(verdict=vote), item)
    decided = resolutions.adjudicate(first, lead_user, verdict="fail", cause="human_wrong", note="see it")
    assert decided.confirmed and decided.by == lead_user and decided.method == Method.ADJUDICATED
    assert not resolutions.adjudicate(second, lead_user, verdict="fail").confirmed
    assert not resolutions.adjudicate(third, lead_user, verdict="pass").confirmed
    assert set(Resolution.objects.confirmed_failures()) == {decided}
    assert list(third.resolutions.values_list("revision", "method").order_by("revision")) == [
        (1, "majority"),
        (2, "adjudicated"),
    ]


def test_a_leads_own_label_is_no_second_opinion(queue, lead_user):
    (item,) = filled(queue, 1)
    give(queue, lead_user, FAIL)
    assert not resolutions.adjudicate(item, lead_user, verdict="fail").confirmed


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        ({"verdict": "cannot_tell"}, "verdict"),
        ({"verdict": "fail", "cause": "tired"}, "cause"),
        ({}, "verdict"),
    ],
)
def test_a_decision_has_to_be_one(queue, rita, lead_user, decision, field):
    (item,) = filled(queue, 1)
    give(queue, rita, UNSURE)
    with pytest.raises(Invalid) as refused:
        resolutions.adjudicate(item, lead_user, **decision)
    assert refused.value.errors[0]["field"] == field


def test_undo_appends_and_holds_the_item_again_with_its_text(queue, rita, paul):
    (item,) = filled(queue, 1)
    answer = Answer(verdict="fail", note="wrong date", failure_modes=["wrong_fact"], answers={"tone": 1})
    give(queue, rita, answer)
    lease = labels.undo(reload(item), Actor(rita))
    item = reload(item)
    assert item.state == ItemState.OPEN and item.resolution is None
    assert leases.claim(queue, paul) is None
    assert drafts.load(item, rita).body == answer.body()
    second = labels.submit(item, Actor(rita), lease.token, PASS).label
    assert list(Label.objects.order_by("revision").values_list("kind", flat=True)) == [
        "answer",
        "undo",
        "amend",
    ]
    assert in_figures(queue.project) == [second.pk]
    assert not Draft.objects.exists()
    assert [row.method for row in Resolution.objects.order_by("revision")] == [
        "single",
        "withdrawn",
        "single",
    ]
    assert_sound(queue.project)


def test_undo_is_refused_when_there_is_nothing_or_it_is_published(queue, rita, paul):
    (item,) = filled(queue, 1)
    with pytest.raises(NothingToUndo):
        labels.undo(item, Actor(rita))
    give(queue, rita, FAIL)
    with pytest.raises(NothingToUndo):
        labels.undo(reload(item), Actor(paul))
    resolutions.publish([reload(item).resolution.pk])
    with pytest.raises(Published):
        labels.undo(reload(item), Actor(rita))


def test_a_change_after_the_reveal_is_kept_apart(queue, rita):
    (item,) = filled(queue, 1)
    first = give(queue, rita, PASS)
    labels.reveal(reload(item), Actor(rita))
    changed = labels.change_mind(reload(item), Actor(rita), FAIL)
    assert changed.kind == Kind.POST_REVEAL
    assert in_figures(queue.project) == [first.pk]
    assert Label.objects.standing().get() == changed
    assert reload(item).adjudication_reason == "changed_mind"


def test_undoing_after_the_reveal_does_not_make_the_next_answer_blind(queue, rita):
    (item,) = filled(queue, 1)
    first = give(queue, rita, PASS)
    labels.reveal(reload(item), Actor(rita))
    lease = labels.undo(reload(item), Actor(rita))
    second = labels.submit(reload(item), Actor(rita), lease.token, FAIL).label
    assert second.kind == Kind.POST_REVEAL
    assert in_figures(queue.project) == [first.pk]
    assert_sound(queue.project)


@pytest.mark.parametrize("is_pair", [False, True])
def test_who_was_shown_what_others_say_of_a_trace_does_not_judge_it_blind_in_another_queue(
    queue, rita, paul, is_pair
):
    (item,) = filled(queue, 1)
    give(queue, rita, PASS)
    labels.reveal(reload(item), Actor(rita))
    (other,) = make_traces(queue.project, 1, "other")
    second = make_queue(queue.project, "second", overlap=2, kind="pair" if is_pair else "trace")
    if is_pair:
        items.enqueue_pairs(second, [(other.trace_id, item.trace.trace_id)])
    else:
        items.enqueue(second, [item.trace.trace_id])
    answer = Answer(preference="a") if is_pair else FAIL
    hers, his = give(second, rita, answer), give(second, paul, answer)
    assert (hers.blind, his.blind) == (False, True)
    assert his.pk in in_figures(queue.project) and hers.pk not in in_figures(queue.project)
    # Two people saw it, one of them with what others had said: that confirms nothing.
    assert not ReviewItem.objects.get(queue=second).resolution.confirmed


def test_a_pair_that_was_revealed_counts_for_both_its_traces(queue, rita):
    one, two = make_traces(queue.project, 2)
    compared = make_queue(queue.project, "compared", kind="pair")
    items.enqueue_pairs(compared, [(one.trace_id, two.trace_id)])
    give(compared, rita, Answer(preference="tie"))
    labels.reveal(ReviewItem.objects.get(queue=compared), Actor(rita))
    items.enqueue(queue, [one.trace_id, two.trace_id])
    assert [give(queue, rita, PASS).blind for _ in range(2)] == [False, False]


def test_what_was_labelled_elsewhere_and_not_revealed_is_judged_blind(queue, rita):
    (item,) = filled(queue, 1)
    give(queue, rita, PASS)
    second = make_queue(queue.project, "second")
    items.enqueue(second, [item.trace.trace_id])
    assert give(second, rita, FAIL).blind


def test_labels_of_an_open_queue_enter_no_figure(project, rita):
    queue = make_queue(project, blind=False)
    filled(queue, 1)
    give(queue, rita, PASS)
    assert in_figures(queue.project) == []


@pytest.mark.parametrize(
    ("act", "kept_by"),
    [
        (lambda label: Label.objects.filter(pk=label.pk).update(verdict="pass"), "labels_stay"),
        (lambda label: Label.objects.filter(pk=label.pk)._raw_delete("default"), "labels_stay"),
        (lambda label: Resolution.objects.update(verdict="pass"), "resolutions_stay"),
        (lambda label: LabelAnswer.objects.all()._raw_delete("default"), "answers_stay"),
    ],
)
def test_the_database_itself_keeps_what_was_said(queue, rita, act, kept_by):
    filled(queue, 1)
    label = give(queue, rita, Answer(verdict="fail", answers={"tone": 1}))
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        act(label)
    assert Label.objects.filter(pk=label.pk).update(note="", corrected_output="") == 1


def test_a_row_cannot_lead_into_another_project(queue, other_project):
    theirs = make_queue(other_project)
    (item,) = filled(theirs, 1)
    (ours,) = filled(queue, 1)
    with pytest.raises(IntegrityError, match="another project"), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).update(queue=queue)
    with pytest.raises(IntegrityError, match="another project"), transaction.atomic():
        ReviewItem.objects.filter(pk=ours.pk).update(snapshot=snapshots.of_item(reload(item)))


def test_what_comes_late_voids_a_lease_and_keeps_the_text(queue, rita):
    (item,) = filled(queue, 1)
    lease = leases.claim(queue, rita)
    drafts.save(lease.item, rita, 0, {"note": "half a thought"})
    before = lease.item.snapshot_id
    late_span(lease.item.trace)
    with pytest.raises(LeaseLost) as lost:
        labels.submit(reload(item), Actor(rita), lease.token, PASS)
    assert lost.value.changed and lost.value.can_reclaim
    again = leases.reclaim(reload(item), rita)
    assert again.item.snapshot_id != before
    assert drafts.load(item, rita).body == {"note": "half a thought"}
    assert (
        labels.submit(again.item, Actor(rita), again.token, PASS).label.snapshot_id == again.item.snapshot_id
    )
    assert_sound(queue.project)


def test_what_comes_late_for_a_labelled_item_marks_it_and_a_lead_opens_a_round(queue, rita):
    (item,) = filled(queue, 1)
    label = give(queue, rita, PASS)
    late_span(Trace.objects.get(pk=item.trace_id))
    assert snapshots.note_changes() == 1
    item = reload(item)
    assert item.changed_since_review and label.snapshot_id == item.snapshot_id
    fresh = items.open_round(item, "leonie")
    assert (fresh.round, fresh.state) == (2, ItemState.OPEN)
    again = leases.claim(queue, rita)
    assert again.item.pk == fresh.pk and again.item.snapshot_id != label.snapshot_id


def test_after_the_first_label_everyone_judges_and_exports_what_the_first_one_saw(project, rita, paul):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    held = leases.claim(queue, paul)
    first = give(queue, rita, PASS)
    late_span(Trace.objects.get(pk=item.trace_id))
    # Paul reads what Rita judged: nothing on his screen has changed.
    second = labels.submit(reload(item), Actor(paul), held.token, PASS).label
    assert reload(item).changed_since_review
    assert first.snapshot_id == second.snapshot_id == reload(item).snapshot_id
    (example,) = training.examples(project, "openai", "pass")
    assert example["messages"][-1]["content"] == "answer review-00000"
    (shown,) = evidence.of_item(items.find(project, item.pk)).evidence
    assert "answer review-00000" in shown.answer


def test_once_no_label_is_left_the_next_one_judges_what_has_come(queue, rita, paul):
    (item,) = filled(queue, 1)
    give(queue, rita, PASS)
    late_span(Trace.objects.get(pk=item.trace_id))
    assert snapshots.note_changes() == 1
    undone = labels.undo(reload(item), Actor(rita))
    with pytest.raises(LeaseLost) as lost:
        labels.submit(reload(item), Actor(rita), undone.token, PASS)
    assert lost.value.changed
    lease = leases.claim(queue, paul)
    assert snapshots.content(lease.item.snapshot)["trace"]["output"] == "another answer"
    assert not reload(item).changed_since_review
    assert_sound(queue.project)


def test_something_late_that_changes_nothing_shown_disturbs_nobody(queue, rita):
    (item,) = filled(queue, 1)
    lease = leases.claim(queue, rita)
    Trace.objects.filter(pk=item.trace_id).update(revision=7)
    assert labels.submit(reload(item), Actor(rita), lease.token, PASS).is_new


def test_drafts_know_versions_and_show_both_texts(queue, rita, paul):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    first = drafts.save(lease.item, rita, 0, {"note": "one"})
    assert first.version == 1
    assert drafts.save(lease.item, rita, 1, {"note": "two"}).version == 2
    with pytest.raises(DraftConflict) as conflict:
        drafts.save(lease.item, rita, 1, {"note": "other tab"})
    assert (conflict.value.version, conflict.value.body) == (2, {"note": "two"})
    with pytest.raises(DraftConflict):
        drafts.save(lease.item, rita, 0, {"note": "third tab"})
    assert drafts.save(lease.item, rita, 1, {"note": "two"}).version == 2
    with pytest.raises(NotAllowed):
        drafts.save(lease.item, paul, 0, {"note": "not mine"})
    with pytest.raises(Invalid):
        drafts.save(lease.item, rita, 2, {"note": "x" * 600_000})


def test_moving_a_queue_leaves_what_was_begun_under_its_version(queue, rita):
    filled(queue, 3)
    give(queue, rita, PASS)
    held = leases.claim(queue, rita)
    old = queue.rubric_version
    version = rubrics.publish(old.rubric, rubrics.content_of(old))
    assert queues.move(queue, version, open_items=False) == 0
    assert queues.move(queue, version, open_items=True) == 1
    assert labels.submit(held.item, Actor(rita), held.token, PASS).label.rubric_version == old
    assert leases.claim(queues.find(queue.project, queue.slug), rita).item.rubric_version == version


def test_answers_to_questions_that_moved_on_are_told_of_the_lost_lease(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    drafts.save(lease.item, rita, 0, {"verdict": "pass", "note": "kept"})
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))
    leases.expire()
    content = rubrics.content_of(queue.rubric_version)
    asked = [*content.criteria, {"key": "fresh", "title": "Fresh", "type": "pass_fail", "required": True}]
    version = rubrics.publish(queue.rubric_version.rubric, replace(content, criteria=asked))
    assert queues.move(queue, version, open_items=True) == 1
    moved = items.find(queue.project, lease.item.pk)
    with pytest.raises(LeaseLost, match="take it again") as lost:
        labels.submit(moved, Actor(rita), lease.token, PASS)
    assert lost.value.can_reclaim
    again = leases.reclaim(moved, rita)
    assert again.item.rubric_version == version and again.draft["note"] == "kept"
    with pytest.raises(Invalid):
        labels.submit(moved, Actor(rita), again.token, PASS)
    given = Answer(verdict="pass", answers={"fresh": "pass"})
    assert labels.submit(moved, Actor(rita), again.token, given).label.rubric_version == version


def test_a_flag_asks_a_lead_and_closes_with_the_decision(queue, rita, lead_user):
    (item,) = filled(queue, 1)
    lease = leases.claim(queue, rita)
    flags.flag(lease.item, rita, "policy changed?")
    flags.flag(lease.item, rita, "policy changed in May")
    assert Flag.objects.get().note == "policy changed in May"
    labels.submit(lease.item, Actor(rita), lease.token, FAIL)
    resolutions.adjudicate(item, lead_user, verdict="fail", flag_rubric=True, note="rule 4 is vague")
    assert Flag.objects.filter(closed_at=None, on_rubric=True).get().note == "rule 4 is vague"


def test_a_pair_takes_a_preference_and_stands_in_a_random_order(project, rita):
    queue = make_queue(project, "pairs", kind="pair")
    traces = make_traces(project, 40, prefix="p")
    pairs = [(traces[n].trace_id, traces[n + 1].trace_id) for n in range(0, 40, 2)]
    assert len(items.enqueue_pairs(queue, pairs).added) == 20
    assert items.enqueue_pairs(queue, [(b, a) for a, b in pairs]).added == []
    orders = set()
    for _ in range(20):
        lease = leases.claim(queue, rita)
        orders.add(lease.display_order)
        assert Assignment.objects.get(pk=lease.assignment_id).display_order == lease.display_order
        with pytest.raises(Invalid):
            labels.submit(lease.item, Actor(rita), lease.token, PASS)
        labels.submit(lease.item, Actor(rita), lease.token, Answer(preference="a"))
    assert orders == {"ab", "ba"}
    assert {row.preference for row in Resolution.objects.all()} == {"a"}


def test_a_token_that_is_none_is_lost(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    with pytest.raises(LeaseLost):
        labels.submit(lease.item, Actor(make_reviewer(queue.project, "eve", Role.ADMIN)), lease.token, PASS)
    with pytest.raises(LeaseLost):
        labels.submit(lease.item, Actor(rita), uuid.uuid4(), PASS)


@pytest.mark.parametrize("act", [labels.undo, lambda item, actor: labels.change_mind(item, actor, FAIL)])
def test_what_a_lead_removed_stays_removed_whatever_its_reviewer_does(queue, rita, paul, act):
    (item,) = filled(queue, 1)
    lease = leases.claim(queue, rita)
    labels.submit(item, Actor(rita), lease.token, PASS)
    items.remove(item, "a lead")
    with pytest.raises(Refusal, match="removed"):
        act(reload(item), Actor(rita))
    assert reload(item).state == ItemState.REMOVED
    assert leases.claim(queue, paul) is None
    assert Label.objects.filter(assignment__item=item).count() == 1
