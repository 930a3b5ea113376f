"""Web or PostgreSQL is killed under a reviewer's page between submit and next: each label is there, once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import cycle

import pytest
from playwright.sync_api import Page

from reviewapp.serving import processes
from tests.reviewapp.screen.test_review_browser import at, furnished, keys, sign_in, traces
from tests.reviewapp.serving.test_serve_faults import (
    backend,
    postmaster,
    web_group,
    web_process,
)
from tests.servers import serving

pytestmark = [pytest.mark.server, pytest.mark.browser]

ITEMS = 16
VICTIMS = (web_process, postmaster, web_group, backend)
SUBMIT = "**/items/*/submit"


@pytest.fixture(scope="module")
def running():
    with serving(WEB_WORKERS="2") as server:
        yield server


@pytest.fixture(scope="module")
def house(running):
    return furnished(running)


@pytest.fixture
def page(browser, house):
    context, page = sign_in(browser, house)
    yield page
    context.close()


def label(page: Page, number: int) -> tuple[str, str]:
    """Answer the open item by keys, odd ones pass; the verdict and the note that were given."""
    at(page, number, seconds=120)
    verdict, note = ("pass", "1") if number % 2 else ("fail", "2")
    keys(page, note, "n")
    page.keyboard.type(f"the {number}th")
    keys(page, "Control+Enter")
    return verdict, f"the {number}th"


def told(house, slug: str) -> list[tuple[str, str]]:
    return sorted(
        (line["verdict"], line["note"]) for line in house.labels() if line["trace_id"].startswith(slug)
    )


def test_the_page_goes_on_by_itself_whatever_is_killed_between_submit_and_next(page, house, running):
    page.goto(house.queue("killed", traces("killed", ITEMS)))
    unanswered = []
    page.on("requestfailed", lambda request: unanswered.append(request.url))
    page.on("response", lambda answer: unanswered.append(answer.url) if answer.status >= 500 else None)
    # The first submit finds nobody for certain; the others are met as it happens.
    page.route(SUBMIT, lambda route: (processes.kill(web_group(running)), route.continue_()), times=1)
    chance, victims, given = random.Random(20261121), cycle(VICTIMS), []
    for number in range(1, ITEMS + 1):
        given.append(label(page, number))
        if number % 2:
            time.sleep(chance.uniform(0, 0.05))
            processes.kill(next(victims)(running))
            running.wait_ready(running.soon())
    page.wait_for_url("**/finish", timeout=120_000)
    assert told(house, "killed") == sorted(given)
    # Some submit was on its way when it was killed, or this proves little.
    assert any(url.endswith("/submit") for url in unanswered), unanswered


def lost_on_its_way_back(route) -> None:
    """The server has it; its answer never arrives."""
    route.fetch()
    route.abort()


def lost_on_its_way_there(route) -> None:
    route.abort()


@pytest.mark.parametrize("fate", [lost_on_its_way_back, lost_on_its_way_there])
def test_a_submit_without_an_answer_is_sent_again_and_counts_once(page, house, fate: Callable):
    slug = fate.__name__.replace("_", "-")
    page.goto(house.queue(slug, traces(slug, 2)))
    page.route(SUBMIT, fate, times=2)
    given = [label(page, 1), label(page, 2)]
    page.wait_for_url("**/finish", timeout=120_000)
    assert told(house, slug) == sorted(given)


def test_back_after_a_submit_shows_what_was_said_and_makes_no_second_label(page, house):
    page.goto(house.queue("back", traces("back", 3)))
    first = page.url
    given = [label(page, 1)]
    at(page, 2)
    page.go_back()
    page.go_forward()
    page.goto(first)
    given += [label(page, 2), label(page, 3)]
    page.wait_for_url("**/finish")
    assert told(house, "back") == sorted(given)


def test_a_hammered_key_makes_one_label(page, house):
    page.goto(house.queue("hammered", traces("hammered", 2)))
    given = [label(page, 1)]
    keys(page, "Control+Enter", "Control+Enter")
    given.append(label(page, 2))
    keys(page, "Control+Enter", "Control+Enter")
    page.wait_for_url("**/finish")
    assert told(house, "hammered") == sorted(given)


AGAIN = """() => document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.id === "review" && elt
    .dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true })))"""


def test_a_key_for_the_last_item_hands_in_nothing_of_the_next(page, house):
    """An empty answer would be refused, and the refusal come in between what is typed by then."""
    page.goto(house.queue("eager", traces("eager", 2)))
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/submit") else None)
    page.evaluate(AGAIN)
    given = [label(page, 1), label(page, 2)]
    page.wait_for_url("**/finish")
    assert len(sent) == 2
    assert told(house, "eager") == sorted(given)
