"""Kappa of each queue on the list of queues: whose answers count, and what is said where it is unknown."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation.people import by_queue
from reviewapp.review import items, labels, leases, queues
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from tests.reviewapp.review.making import FAIL, PASS, filled, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db
PAGE = "/projects/refunds/queues/agreement"


@pytest.fixture
def people(project):
    return [make_reviewer(project, name) for name in ("ruth", "pavel")]


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(by_queue, "FEWEST", 8)


def say(added, people, *answers):
    """Each item gets the answers of its place, one from each of the people."""
    for item, given in zip(added, answers, strict=True):
        for person, answer in zip(people, given, strict=False):
            lease = leases.reclaim(items.find(item.queue.project, item.pk), person)
            labels.submit(lease.item, Actor(person), lease.token, answer)


def test_each_queue_has_the_kappa_of_its_own_items(project, people):
    agreeing, differing = (
        make_queue(project, "agreeing", overlap=2),
        make_queue(project, "differing", overlap=2),
    )
    say(filled(agreeing, 8), people, *[(PASS, PASS), (FAIL, FAIL)] * 4)
    halves = [(PASS, FAIL), (FAIL, PASS), (PASS, PASS), (FAIL, FAIL)]
    say(filled(differing, 9), people, *halves * 2, (FAIL,))
    told = by_queue.tell(project, 28, [agreeing.pk, differing.pk])
    assert (told[agreeing.pk].value, told[agreeing.pk].n) == (1.0, 8)
    # Half of the answers are alike, as chance would have it.
    assert told[differing.pk].value == pytest.approx(0.0)
    assert told[differing.pk].low < 0 < told[differing.pk].high


def test_of_pairs_it_is_that_of_the_preferences(project, people):
    queue = make_queue(project, "pairs", kind="pair", overlap=2)
    names = [trace.trace_id for trace in make_traces(project, 16, "side")]
    added = items.enqueue_pairs(queue, list(zip(names[::2], names[1::2], strict=True))).added
    a, tie = Answer(preference="a"), Answer(preference="tie")
    say(added, people, *[(a, a), (tie, tie)] * 4)
    assert by_queue.tell(project, 28, [queue.pk])[queue.pk].value == 1.0


def test_what_is_unknown_says_why(project, other_project, people):
    alone = make_queue(project, "alone", double_share=0, double_minimum=0)
    waiting, begun = make_queue(project, "waiting"), make_queue(project, "begun", overlap=2)
    same = make_queue(project, "same", overlap=2)
    say(filled(begun, 1), people, (PASS, PASS))
    say(filled(same, 8), people, *[(PASS, PASS)] * 8)
    theirs = make_queue(other_project, "theirs")
    asked = [alone.pk, waiting.pk, begun.pk, same.pk, theirs.pk]
    told = by_queue.tell(project, 28, asked)
    assert theirs.pk not in told
    assert [told[pk].value for pk in asked[:4]] == [None] * 4
    words = [told[pk].why_null for pk in asked[:4]]
    assert words[0] == "each item goes to one person"
    assert words[1] == "no item was labelled by two people"
    assert words[2] == "too few, 7 more" and told[begun.pk].n == 1
    assert "chance alone" in words[3]


def test_leads_see_it_in_the_list_of_queues(project, people, owner, lead, reviewer, stranger):
    queue = make_queue(project, overlap=2)
    say(filled(queue, 8), people, *[(PASS, PASS), (FAIL, FAIL)] * 4)
    asked = f"{PAGE}?queue={queue.pk}&"
    listed = "/projects/refunds/queues"
    for person in (owner, lead):
        page = person.client.get(listed).content.decode()
        assert "People κ" in page and f'id="kappa-{queue.pk}"' in page
        assert asked.replace("&", "&amp;") in page
        part = person.client.get(asked).content.decode()
        assert (
            f'<span id="kappa-{queue.pk}" hx-swap-oob="true"' in part and "1.00" in part and "n = 8" in part
        )
    page = reviewer.client.get(listed).content.decode()
    assert "People κ" not in page and "kappa" not in page
    assert reviewer.client.get(asked).status_code == 403
    assert stranger.client.get(asked).status_code == 404
    for odd in ("x", "-1", "9" * 40, "\0", ""):
        assert lead.client.get(PAGE, {"queue": odd}).status_code == 200


def test_more_queues_cost_no_more_questions(project, people, lead):
    one = make_queue(project, "one", overlap=2)
    with CaptureQueriesContext(connection) as few:
        lead.client.get(PAGE, {"queue": one.pk})
    more = [make_queue(project, f"more-{n}", overlap=2) for n in range(3)]
    for queue in more:
        say(filled(queue, 1), people, (PASS, PASS))
    with CaptureQueriesContext(connection) as many:
        lead.client.get(PAGE, {"queue": [one.pk, *(queue.pk for queue in more)]})
    assert len(many) == len(few)
    queues.archive(one)
    assert lead.client.get(PAGE, {"queue": one.pk}).status_code == 200
