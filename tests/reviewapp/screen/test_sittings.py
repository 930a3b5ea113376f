"""Progress through a sitting, and the chart of its pace."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from reviewapp.models import Membership
from reviewapp.review import items as stand
from reviewapp.review import labels, leases, queues
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment
from reviewapp.screen import finishing, person, sittings
from tests.reviewapp.review.making import FAIL, filled, make_queue, make_traces
from tests.reviewapp.screen.conftest import Reviewing

HTMX = {"HX-Request": "true", "HX-Target": "review"}


@pytest.mark.parametrize(("handled", "goal"), [(0, 40), (39, 40), (40, 60), (59, 60), (60, 80)])
def test_a_sitting_ends_at_forty_and_then_after_every_twenty(handled, goal):
    assert sittings.goal(handled) == goal


def test_a_stretch_is_over_only_right_at_its_end():
    assert [n for n in range(85) if sittings.is_end(n)] == [40, 60, 80]


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=41), "0:41"),
        (timedelta(minutes=9, seconds=15), "9:15"),
        (timedelta(hours=5), "5 h"),
    ],
)
def test_how_long_ago_is_told_as_it_is_felt(passed, words):
    assert sittings.ago(passed) == words


@pytest.mark.django_db
def test_of_another_queue_no_more_is_told_than_was_counted(rita, queue, project, monkeypatch):
    monkeypatch.setattr(finishing, "MOST_COUNTED", 3)
    for name, number in (("Long", 4), ("Short", 2)):
        filled(make_queue(project, name.lower(), name=name), number)
    page = rita.person.client.get(reverse("finish", args=[project.slug, queue.slug])).content.decode()
    assert "Long, 3 or more waiting" in page and "Short, 2 waiting" in page


@pytest.mark.django_db
def test_a_long_pause_begins_a_new_sitting(rita, items, queue):
    for _ in range(3):
        rita.submit(*rita.hold(), verdict="pass")
    told = sittings.sitting(queue, rita.person.user)
    assert (told.done, told.waiting, told.total, told.place) == (3, 2, 5, 4)
    oldest = Assignment.objects.order_by("submitted_at")[0]
    Assignment.objects.filter(pk=oldest.pk).update(submitted_at=timezone.now() - timedelta(hours=1))
    told = sittings.sitting(queue, rita.person.user)
    assert (told.done, told.total) == (2, 4)
    assert len(told.last) == 3


@pytest.mark.django_db
def test_what_a_token_says_in_ones_name_is_part_of_no_sitting(rita, items, queue):
    for _ in range(2):
        lease = leases.claim(queue, rita.person.user)
        labels.submit(lease.item, Actor(rita.person.user, impersonated=True), lease.token, FAIL)
    told = sittings.sitting(queue, rita.person.user)
    assert (told.handled, told.began, told.median, len(told.last)) == (0, None, None, 2)
    rita.submit(*rita.hold(), verdict="pass")
    told = sittings.sitting(queue, rita.person.user)
    assert (told.handled, told.done, told.failures, len(told.last)) == (1, 1, 0, 3)


@pytest.mark.django_db
def test_the_time_left_is_told_after_a_few_items_and_is_no_longer_for_one_that_lay_open(rita, queue):
    filled(queue, 12)
    me = rita.person.user

    def say(took):
        item, hidden = rita.hold()
        Assignment.objects.filter(item=item).update(claimed_at=timezone.now() - timedelta(seconds=took))
        rita.submit(item, hidden, verdict="pass")

    for took in (3_000, 20, 20, 20, 20):
        say(took)
    told = sittings.sitting(queue, me)
    assert (told.done, told.timed, told.pace, told.minutes_left) == (5, 4, None, None)
    shown = rita.open().content.decode()
    assert "min left" not in shown and " each</span>" not in shown
    finish = rita.person.client.get(reverse("finish", args=[rita.slug, queue.slug])).content.decode()
    assert "4 timed, 5 are needed" in finish and "Sitting of 15 minutes" in finish
    for took in (20, 200, 2_000):
        say(took)
    told = sittings.sitting(queue, me)
    assert (told.done, told.timed, round(told.pace), told.minutes_left) == (8, 6, 20, 2)
    assert "~ 2 min left" in rita.open().content.decode()
    finish = rita.person.client.get(reverse("finish", args=[rita.slug, queue.slug])).content.decode()
    assert '<dd class="figure">20 s</dd>' in finish and "at first" not in finish


@pytest.mark.django_db
def test_the_usual_pace_is_that_at_the_screen(rita, queue, lead):
    """Others may say something in one's name, before a sitting and in the midst of it; leads see it all."""
    filled(queue, 18)
    me = rita.person.user

    def say(took, **by):
        lease = leases.claim(queue, me)
        mine = Assignment.objects.filter(item=lease.item, reviewer=me)
        mine.update(claimed_at=timezone.now() - timedelta(seconds=took))
        labels.submit(lease.item, Actor(me, **by), lease.token, FAIL)

    for _ in range(5):
        say(20)
    for _ in range(9):
        say(2, impersonated=True)
    Assignment.objects.update(submitted_at=timezone.now() - timedelta(hours=2))
    for took, by in ((30, {}), (2, {"impersonated": True}), (30, {}), (30, {})):
        say(took, **by)
    told = finishing.tell(queue, me)
    near = partial(pytest.approx, abs=1)
    assert (told.pace.usual, told.pace.last, told.sitting.median) == (near(20), near(30), near(30))
    assert told.pace.points.count(",") == 3
    seen = {
        name: dict(person.tell(Membership.objects.get(user=who), me).spans)["7 days"]
        for name, who in (("own", me), ("by a lead", lead.user))
    }
    assert [each.labels for each in seen.values()] == [18, 18]
    assert [each.median_seconds for each in seen.values()] == [near(20), near(2)]


@pytest.mark.django_db
def test_a_sitting_of_hours_goes_on_counting(rita, items, queue, monkeypatch):
    monkeypatch.setattr(sittings, "MOST_TIMED", 2)
    stand.enqueue(queue, [trace.trace_id for trace in make_traces(queue.project, 4, prefix="more")])
    for number, said in enumerate(["fail", "pass", "fail", "pass", "pass"]):
        rita.submit(*rita.hold(), verdict=said)
        assert sittings.sitting(queue, rita.person.user).handled == number + 1
    held, hidden = rita.hold()
    rita.post("skip", held, **hidden, reason="context")
    told = finishing.tell(queue, rita.person.user)
    assert (told.sitting.handled, told.sitting.done, told.sitting.skipped, told.failures) == (6, 5, 1, 2)
    first, second = Assignment.objects.filter(state="submitted").order_by("submitted_at")[:2]
    for mine, ago in ((first, 3), (second, 2)):
        Assignment.objects.filter(pk=mine.pk).update(submitted_at=timezone.now() - timedelta(hours=ago))
    assert sittings.sitting(queue, rita.person.user).handled == 4
    monkeypatch.setattr(sittings, "FIRST_GOAL", 2)
    monkeypatch.setattr(sittings, "FURTHER", 3)
    page = rita.submit(*rita.hold(), HTMX, verdict="pass")
    assert page.headers["HX-Redirect"].endswith("/finish")
    page = rita.submit(*rita.hold(), HTMX, verdict="pass")
    assert "HX-Redirect" not in page.headers


@pytest.mark.django_db
def test_what_labels_led_to_is_told_of_the_whole_sitting(reviewer, project, monkeypatch):
    """However many there are: a chart ends somewhere, a count does not."""
    monkeypatch.setattr(sittings, "MOST_TIMED", 2)
    doubled = make_queue(project, "doubled", overlap=2)
    filled(doubled, 4)
    rita = Reviewing(reviewer, doubled)
    for _ in range(3):
        rita.submit(*rita.hold(), verdict="fail")
    (row,) = finishing.tell(doubled, reviewer.user).caused
    assert (row.strong, row.words) == ("3 waiting", "for another reviewer")


@pytest.mark.django_db
def test_what_waits_counts_what_this_person_could_still_get(rita, queue):
    filled(queue, 3)
    waiting = lambda: sittings.sitting(queue, rita.person.user).waiting  # noqa: E731
    held, hidden = rita.hold()
    assert waiting() == 3
    rita.post("skip", held, **hidden, reason="context")
    assert waiting() == 2
    rita.submit(*rita.hold(), verdict="pass")
    assert waiting() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"paused": True}, {"assignment": "named", "assignees": ["leo"]}])
def test_a_queue_that_gives_out_nothing_more_promises_nothing(rita, queue, lead, change):
    """What is held already can be finished; the rest is not counted towards the sitting."""
    filled(queue, 4)
    rita.submit(*rita.hold(), verdict="pass")
    assert sittings.sitting(queue, rita.person.user).waiting == 3
    held, hidden = rita.hold()
    queue = queues.change(queue, **change)
    told = sittings.sitting(queue, rita.person.user)
    assert (told.waiting, told.is_holding, told.total) == (1, True, 2)
    rita.submit(held, hidden, verdict="pass")
    told = finishing.tell(queue, rita.person.user)
    assert (told.sitting.waiting, told.more, told.admits) == (0, 0, "paused" in change)
    page = rita.person.client.get(reverse("finish", args=[queue.project.slug, queue.slug])).content.decode()
    assert ("for named reviewers" in page) is not told.admits


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "said", "words"),
    [
        ("ab", "a", "A is better"),
        ("ba", "a", "B is better"),
        ("ba", "b", "A is better"),
        ("ba", "both_bad", "both bad"),
        ("ba", "tie", "tie"),
    ],
)
def test_a_decision_on_a_pair_names_the_side_that_was_seen(project, reviewer, order, said, words):
    pairs = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    stand.enqueue_pairs(pairs, [(left.trace_id, right.trace_id)])
    rita = Reviewing(reviewer, pairs)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order=order)
    rita.submit(item, hidden, preference=said)
    (told,) = sittings.last(pairs, reviewer.user)
    assert told.words == words


def test_the_chart_of_pace_needs_three_items_and_knows_no_more_than_its_top():
    assert finishing.pace([10, 20], None) is None
    told = finishing.pace([10, 20, 900], 20)
    # The median is 20, so the top stands for 60 seconds: 900 ends there, 20 at two thirds of the way down.
    assert told.points == "0.00,53.3 50.00,42.7 100.00,0.0"
    assert told.usual_y == 42.7
    assert (told.top, told.longest, told.beyond) == (60, 900, (100.0,))


@pytest.mark.parametrize(
    ("beyond", "words"),
    [
        ([], None),
        ([106], "One item took longer than 60 s, where the chart ends: 106 s."),
        ([106, 480], "2 items took longer than 60 s, where the chart ends; the longest 8 min 0 s."),
    ],
)
def test_the_chart_of_pace_says_what_it_cuts(beyond, words):
    told = finishing.pace([20, 20, 20, *beyond], 20)
    page = " ".join(render_to_string("review/_pace.html", {"pace": told}).split())
    assert page.count('class="beyond"') == len(beyond)
    assert ("where the chart ends" in page) == bool(beyond)
    assert words is None or words in page
