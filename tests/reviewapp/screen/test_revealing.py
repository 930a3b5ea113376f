"""What stands beside one's own label after the submit."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from ingest.models import Feedback
from reviewapp.models import Membership, Role
from reviewapp.review import items, labels, leases, repeats, resolutions
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Label, ReviewItem
from reviewapp.screen import person
from tests.conftest import person as person_named
from tests.reviewapp.review.making import FAIL, PASS, filled, make_queue, make_reviewer, make_traces
from tests.reviewapp.screen.conftest import CANARY, Reviewing, mark

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("order", "stored"), [("ab", "a"), ("ba", "b")])
def test_the_decision_names_the_side_by_the_letter_that_was_seen(project, reviewer, order, stored):
    queue = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    items.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    rita = Reviewing(reviewer, queue)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order=order)
    chosen = rita.open().context["screen"].parts[0].options[0].value
    rita.submit(item, hidden, preference=chosen)
    assert Label.objects.get().preference == stored
    shown = rita.item(item).content.decode()
    assert "Your label stands by itself: A is better. Nobody else is asked." in shown


@pytest.fixture
def duel(project):
    """A pair of two prompt versions, and its queue."""
    queue = make_queue(project, "pairs", kind="pair")
    (left,) = make_traces(project, 1, prefix="old", prompt_version="v6", model="small")
    (right,) = make_traces(project, 1, prefix="new", prompt_version="v7", model="small")
    items.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    return queue


def which(shown):
    """What is told of each letter, as words."""
    part = shown.partition("Which was which")[2].partition("</dl>")[0]
    words = [" ".join(re.sub("<[^>]*>", " ", dd).split()) for dd in part.split("<dt>")[1:]]
    return [each.partition(" trace of")[0] for each in words]


@pytest.mark.parametrize(("order", "a", "b"), [("ab", "v6", "v7"), ("ba", "v7", "v6")])
def test_which_answer_of_a_pair_was_which_is_told_after_the_submit_and_not_before(
    duel, reviewer, order, a, b
):
    rita = Reviewing(reviewer, duel)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order=order)
    # A token of the form may hold any two letters.
    before = re.sub("[A-Za-z0-9]{64}", "", rita.open().content.decode())
    assert "v6" not in before and "v7" not in before
    rita.submit(item, hidden, preference="a")
    told = which(rita.item(item).content.decode())
    assert told == [f"Answer A prompt {a} , model small", f"Answer B prompt {b} , model small"]


def test_of_an_answer_and_its_regeneration_it_is_told_which_came_anew(duel, reviewer):
    rita = Reviewing(reviewer, duel)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order="ab")
    Feedback.objects.create(
        project=duel.project, trace=item.trace, key="f", kind="regenerate", occurred_at=timezone.now(),
        payload={"next_trace_id": item.other_trace.trace_id}, target_kind="trace", sha256=b"1" * 32,
    )  # fmt: skip
    rita.submit(item, hidden, preference="b")
    first, second = which(rita.item(item).content.decode())
    assert first.startswith("Answer A first answer, ") and second.startswith("Answer B regenerated, ")


def test_what_a_rubric_asks_on_a_pair_is_said_to_be_about_the_preferred_answer(duel, reviewer):
    rita = Reviewing(reviewer, duel)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order="ba")
    assert "about the answer you prefer" in rita.open().content.decode()
    rita.submit(item, hidden, preference="a", **{"answer.tone": "2"})
    (me,) = rita.item(item).context["screen"].reveal.people
    assert [chip.partition(":")[0] for chip in me.chips] == ["Tone (B)"]
    rita.post("change_mind", item, preference="tie", **{"answer.tone": "2"})
    (me,) = rita.item(item).context["screen"].reveal.people
    assert [chip.partition(":")[0] for chip in me.chips] == ["Tone (both)"]


def test_of_one_trace_nothing_is_said_about_a_preferred_answer(project, reviewer):
    queue = make_queue(project)
    filled(queue, 1)
    assert "about the answer you prefer" not in Reviewing(reviewer, queue).open().content.decode()


def test_where_a_trace_still_waits_the_page_says_why_nothing_is_told(duel, project, reviewer):
    items.enqueue(make_queue(project, "other", name="Thumbs & co"), ["old-00000"])
    rita = Reviewing(reviewer, duel)
    item, hidden = rita.hold()
    rita.submit(item, hidden, preference="a")
    shown = rita.item(item).content.decode()
    assert "A trace of this pair still waits for you" in shown
    assert "Which was which" not in shown and "v6" not in shown


def test_what_waits_in_another_queue_and_what_is_asked_once_more_are_told_in_the_same_words(
    project, reviewer
):
    queue, other = make_queue(project), make_queue(project, "later", name="Later again")
    filled(queue, 1)
    rita = Reviewing(reviewer, queue)
    item, hidden = rita.hold()
    rita.submit(item, hidden, verdict="pass")
    (again,) = items.enqueue(other, [item.trace.trace_id]).added
    pages = [rita.item(item).content.decode()]
    ReviewItem.objects.filter(pk=again.pk).update(
        purpose="repeat", original=item, reserved_for=[reviewer.user.pk]
    )
    pages.append(rita.item(item).content.decode())
    why = [page[page.index("Why no more is told yet") : page.index("Next item")] for page in pages]
    assert "This trace still waits for you" in why[0] and why[0] == why[1]
    assert all("Later again" not in page[page.index('id="rubric"') :] for page in pages)


@pytest.fixture
def hidden_and_ordinary(project, reviewer, monkeypatch):
    """By overlap: a repeat of what the reviewer labelled a week ago, and an item like any other."""
    monkeypatch.setattr(repeats, "SHARE", 1.0)

    def make(overlap):
        queue = make_queue(project, overlap=overlap)
        filled(queue, 1)
        people = [reviewer.user, *(make_reviewer(project, f"peer{n}") for n in range(1, overlap))]
        for user in people:
            lease = leases.claim(queue, user)
            labels.submit(lease.item, Actor(user), lease.token, PASS)
        Assignment.objects.update(submitted_at=timezone.now() - timedelta(days=8))
        assert repeats.plan() == overlap
        again = ReviewItem.objects.get(purpose="repeat", reserved_for=[reviewer.user.pk])
        ReviewItem.objects.filter(purpose="repeat").exclude(pk=again.pk).delete()
        traces = make_traces(project, 1, prefix="ordinary")
        (ordinary,) = items.enqueue(queue, [trace.trace_id for trace in traces]).added
        return queue, again, ordinary

    return make


def told_of(rita, item):
    """What the reveal says and offers, without the item's own text and address."""
    screen = rita.item(item).context["screen"]
    said = [(each.who, each.aside, each.words, each.note) for each in screen.reveal.people]
    return said, screen.reveal.effects, screen.shows_signals, screen.is_hidden


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("verdict", ["pass", "fail", "cannot_tell"])
def test_a_hidden_item_and_any_other_are_told_alike(hidden_and_ordinary, reviewer, overlap, verdict):
    queue, *both = hidden_and_ordinary(overlap)
    rita = Reviewing(reviewer, queue)
    for item in both:
        lease = leases.reclaim(item, reviewer.user)
        rita.submit(item, {"lease_token": str(lease.token), "draft_version": "0"}, verdict=verdict)
    hidden, ordinary = (told_of(rita, item) for item in both)
    assert hidden == ordinary
    given = {each.item.pk: (each.outcome, each.by) for each in latest(rita)}
    assert given[both[0].pk] == given[both[1].pk] != ("", "")
    other = "pass" if verdict == "fail" else "fail"
    for item in both:
        rita.post("change_mind", item, verdict=other)
    hidden, ordinary = (told_of(rita, item) for item in both)
    assert hidden == ordinary
    given = {each.item.pk: (each.outcome, each.by) for each in latest(rita)}
    assert given[both[0].pk] == given[both[1].pk]


def latest(rita):
    membership = Membership.objects.get(user=rita.person.user, project=rita.queue.project)
    return person.tell(membership, rita.person.user).given


def test_once_others_have_had_a_say_it_is_told_who_decided(project, reviewer, lead):
    queue = make_queue(project)
    (item,) = filled(queue, 1)
    rita = Reviewing(reviewer, queue)
    rita.submit(*rita.hold(), verdict="fail")
    (effect,) = rita.item(item).context["screen"].reveal.effects
    assert effect.words == "Your label stands by itself: fail. Nobody else is asked."
    resolutions.ask_for_decision(item)
    (effect,) = rita.item(item).context["screen"].reveal.effects
    assert effect.words == "A lead asked for it: a lead decides."
    resolutions.adjudicate(item, lead.user, verdict="pass")
    (effect,) = rita.item(item).context["screen"].reveal.effects
    assert effect.words == "A lead has decided: pass."


def test_of_a_double_labelled_item_the_first_hears_that_others_are_asked(project, reviewer):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    rita, rob = (Reviewing(each, queue) for each in (reviewer, person_named("rob", project, Role.REVIEWER)))
    rita.submit(*rita.hold(), verdict="fail")
    (effect,) = rita.item(item).context["screen"].reveal.effects
    assert effect.words.startswith("Others are asked as well")
    rob.submit(*rob.hold(), verdict="fail")
    (effect,) = rob.item(item).context["screen"].reveal.effects
    assert effect.words == "The reviewers agree: the failure is confirmed."


def test_the_list_of_ones_own_labels_does_not_mark_a_hidden_one(hidden_and_ordinary, reviewer):
    queue, *both = hidden_and_ordinary(1)
    rita = Reviewing(reviewer, queue)
    for item in both:
        lease = leases.reclaim(item, reviewer.user)
        rita.submit(item, {"lease_token": str(lease.token), "draft_version": "0"}, verdict="pass")
        rita.item(item)
    own = reverse("reviewer", args=[queue.project.slug, reviewer.user.pk])
    listed = reviewer.client.get(own).content.decode().partition('id="given-title"')[2]
    assert listed.count(">kept <") == 3 and "others are to answer" not in listed


def test_what_was_opened_once_is_known_of_each_item_with_the_same_trace(hidden_and_ordinary, reviewer):
    """Else the first answer could be taken back after a look at the second one's reveal, and given anew."""
    queue, again, _ = hidden_and_ordinary(1)
    rita = Reviewing(reviewer, queue)
    lease = leases.reclaim(again, reviewer.user)
    rita.submit(again, {"lease_token": str(lease.token), "draft_version": "0"}, verdict="fail")
    rita.item(again)
    first = again.original
    lease = labels.undo(first, Actor(reviewer.user))
    given = labels.submit(first, Actor(reviewer.user), lease.token, FAIL).label
    assert given.kind == "post_reveal"
    assert Assignment.objects.get(item=first).counted.verdict == "pass"


def test_the_form_of_an_open_queue_opens_what_was_labelled_blind_before(project, reviewer):
    """Its signals are shown beside it: an answer taken back after a look at them counts no more."""
    blind, shown = make_queue(project, "blind"), make_queue(project, "shown", blind=False)
    (trace,) = make_traces(project, 1)
    (first,) = items.enqueue(blind, [trace.trace_id]).added
    lease = leases.claim(blind, reviewer.user)
    labels.submit(lease.item, Actor(reviewer.user), lease.token, PASS)
    (second,) = items.enqueue(shown, [trace.trace_id]).added
    mark(second)
    assert CANARY in Reviewing(reviewer, shown).open().content.decode()
    lease = labels.undo(first, Actor(reviewer.user))
    given = labels.submit(first, Actor(reviewer.user), lease.token, FAIL).label
    assert given.kind == "post_reveal"
    assert Assignment.objects.get(item=first).counted.verdict == "pass"


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("verdict", ["pass", "cannot_tell"])
def test_of_what_was_removed_it_is_said_that_the_label_is_kept(
    hidden_and_ordinary, reviewer, overlap, verdict
):
    """Nobody else is asked about it and no lead decides it, be it hidden or not."""
    queue, *both = hidden_and_ordinary(overlap)
    rita = Reviewing(reviewer, queue)
    for item in both:
        lease = leases.reclaim(item, reviewer.user)
        rita.submit(item, {"lease_token": str(lease.token), "draft_version": "0"}, verdict=verdict)
        items.remove(ReviewItem.objects.get(pk=item.pk), "leo")
        (effect,) = rita.item(item).context["screen"].reveal.effects
        assert effect.words == "Your label is kept."
    given = {each.item.pk: (each.outcome, each.by) for each in latest(rita)}
    assert [given[item.pk] for item in both] == [("kept", "")] * 2
