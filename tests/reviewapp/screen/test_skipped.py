"""Once more through what was skipped: all of it, in its order, and each of it once."""

from __future__ import annotations

import re
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp.review import queues
from reviewapp.review.models import Assignment, Label
from tests.reviewapp.review.making import filled, make_queue
from tests.reviewapp.screen.conftest import Reviewing

# Within one transaction all would be skipped at the same moment.
pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true", "HX-Target": "review"}


@pytest.fixture
def finish(queue):
    return reverse("finish", args=[queue.project.slug, queue.slug])


@pytest.fixture
def three(rita, queue):
    """Items that Rita has skipped, the first of them first, and been told so."""
    made = filled(queue, 3)
    for item in made:
        held, hidden = rita.hold()
        assert held == item
        rita.post("skip", item, **hidden, reason="context")
    assert rita.open().status_code == 302
    return made


def unseen(answer):
    """What the form on the screen sends with whatever it does."""
    page = answer.content.decode()
    form = page[page.index('<form class="rubric"') :].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


@pytest.mark.parametrize("headers", [HTMX, None])
def test_all_come_again_one_after_the_other(rita, three, finish, headers):
    answer = rita.again()
    for item in three:
        assert answer.context["screen"].item == item
        answer = rita.submit(item, unseen(answer), headers, verdict="pass")
        if headers is None and answer.url != finish:
            answer = rita.person.client.get(answer.url)
    assert (answer.headers["HX-Redirect"] if headers else answer.url) == finish
    assert Label.objects.count() == 3


def test_what_is_skipped_again_does_not_come_twice(rita, three, finish):
    answer = rita.again()
    assert answer.context["screen"].item == three[0]
    answer = rita.post("skip", three[0], HTMX, **unseen(answer), reason="expertise")
    assert answer.context["screen"].item == three[1]
    # What is refused in between stays in the turn, as what is looked at or taken back does.
    answer = rita.submit(three[1], unseen(answer), HTMX)
    assert answer.status_code == 422
    shown = rita.submit(three[1], unseen(answer), HTMX, verdict="pass", then="show").headers["HX-Redirect"]
    turn = unseen(answer)["skipped"]
    revealed = rita.person.client.get(shown).content.decode()
    assert f"/review?skipped={turn}" in revealed
    back = rita.post("undo", three[1], HTMX, skipped=turn)
    assert back.headers["HX-Replace-Url"].endswith(f"?skipped={turn}")
    answer = rita.submit(three[1], unseen(back), HTMX, verdict="pass")
    assert answer.context["screen"].item == three[2]
    assert answer.headers["HX-Replace-Url"].endswith(f"/review?skipped={turn}")
    # A page that is opened anew at that address goes on in the same turn.
    answer = rita.open(skipped=turn)
    answer = rita.post("skip", three[2], HTMX, **unseen(answer), reason="context")
    assert answer.headers["HX-Redirect"] == finish
    page = rita.person.client.get(finish)
    assert "Look at 2 skipped again" in page.content.decode()
    assert rita.again().context["screen"].item == three[0]


def test_to_find_that_nothing_else_is_left_changes_nothing_of_what_was_skipped(rita, three):
    known = list(Assignment.objects.order_by("pk").values_list("state", "skip_reason", "skipped_at"))
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert rita.open().status_code == 302
        # Not even for a moment: whoever is cut off in between finds the order as it was.
        written = [query["sql"].partition("WHERE")[0] for query in asked if "UPDATE" in query["sql"]]
        assert written and not [sql for sql in written if "skipped_at" in sql]
    assert list(Assignment.objects.order_by("pk").values_list("state", "skip_reason", "skipped_at")) == known


@pytest.mark.parametrize("off", [-3600, 3600])
def test_a_turn_begins_by_the_clock_that_says_when_items_were_skipped(rita, three, finish, monkeypatch, off):
    """The web server's may go wrong by an hour: nothing would come, or all of it for an hour on end."""
    now = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: now() + off * 10**9)
    answer = rita.again()
    for item in three:
        assert answer.context["screen"].item == item
        answer = rita.post("skip", item, HTMX, **unseen(answer), reason="context")
    assert answer.headers["HX-Redirect"] == finish


def test_a_page_of_a_turn_that_is_loaded_again_stays_in_it(rita, three):
    address = rita.open(skipped="1").url
    other = Reviewing(rita.person, rita.queue)
    held, hidden = other.hold()
    other.post("skip", held, **hidden, reason="context")
    assert rita.person.client.get(address).context["screen"].item == three[1]


@pytest.mark.parametrize("said", ["0", "x", "١٢٣٤٥٦٧٨٩٠١٢٣", "99999999999999999999", "-1"])
def test_an_odd_turn_begins_one(rita, three, said):
    assert rita.again(said).context["screen"].item == three[0]


def entered(page):
    """The words of what Enter follows."""
    found = re.findall(r"<a[^>]* data-enter[^>]*>(.*?)</a>", page)
    return [" ".join(re.sub("<[^>]*>", " ", words).split()) for words in found]


def test_enter_on_the_last_page_follows_its_first_offer(rita, three, finish, project):
    filled(make_queue(project, "other", name="Other"), 2)
    assert entered(rita.person.client.get(finish).content.decode()) == ["Look at 3 skipped again ↵"]
    queues.change(rita.queue, paused=True)
    assert entered(rita.person.client.get(finish).content.decode()) == ["Other, 2 waiting"]


def test_a_sitting_without_a_label_does_not_say_that_nothing_waits(rita, queue, finish):
    filled(queue, 2)
    page = rita.person.client.get(finish).content.decode()
    assert "There is more for you in Refunds and returns." in page and "Nothing waits" not in page
    assert entered(page) == ["2 more ↵"]


def test_a_queue_without_items_does_not_say_that_all_are_labelled(rita, queue, finish, lead):
    page = lambda: rita.person.client.get(finish).content.decode()  # noqa: E731
    assert "All items are labelled" not in page() and "The queue is empty." in page()
    pairs = make_queue(queue.project, "duel", kind="pair")
    of_pairs = rita.person.client.get(reverse("finish", args=[queue.project.slug, pairs.slug]))
    assert "Pairs are added in its settings." in of_pairs.content.decode()
    filled(queue, 1)
    Reviewing(lead, queue).submit(*Reviewing(lead, queue).hold(), verdict="pass")
    assert "All items are labelled" in page() and "The queue is empty." not in page()
