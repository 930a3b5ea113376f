"""Long lists of options in a browser: each is explained to pointer, keyboard and touch, and read aloud."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.reviewapp.screen.test_review_browser import furnished, keys, sign_in, trace
from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = pytest.mark.browser
PROJECT = "long-lists"
MODES = [
    {"key": f"mode-{number}", "label": f"Mode {number}", "help": f"What mode {number} means."}
    for number in range(1, 13)
]
LONG = {"name": "Long", "guidelines": "", "failure_modes": MODES, "criteria": []}


@pytest.fixture(scope="module")
def house(server):
    house = furnished(server, PROJECT)
    house.call("rubrics/answer-quality/versions", LONG)
    return house


def told(page: Page) -> list[str]:
    """The lines of help that can be seen."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.options.many small')]"
        ".filter((line) => getComputedStyle(line).clipPath === 'none').map((line) => line.textContent)"
    )


def test_each_option_of_a_long_list_is_explained_by_keyboard_and_pointer_and_read_aloud(browser, house):
    address = house.queue("pointed", [trace("pointed", 1)])
    context, page = sign_in(browser, house, "rosa", viewport={"width": 1440, "height": 900})
    page.goto(address)
    settle(page)
    page.mouse.move(700, 300)
    keys(page, "2", "j")
    modes = page.get_by_role("group", name="What went wrong")
    expect(modes.get_by_role("checkbox")).to_have_count(12)
    expect(modes.get_by_role("checkbox", name="What mode 11 means.")).to_have_count(1)
    place = modes.locator(".options").bounding_box()
    for number in (5, 3):
        keys(page, str(number))
        assert told(page) == [f"What mode {number} means."]
    keys(page, "Tab")
    assert told(page) == ["What mode 4 means."]
    modes.get_by_text("Mode 12", exact=True).hover()
    assert told(page) == ["What mode 12 means."]
    assert modes.locator(".options").bounding_box() == place, "nothing moves"
    context.close()


def test_what_is_wrong_stands_clear_of_the_buttons(browser, house):
    """The outline of the one in focus went through the words."""
    address = house.queue("unanswered", [trace("unanswered", 1)])
    context, page = sign_in(browser, house, "rosa", viewport={"width": 1440, "height": 900})
    page.goto(address)
    settle(page)
    keys(page, "Control+Enter")
    error = page.locator(".criterion .field-error")
    expect(error).to_have_text("Answer this one first.")
    words, buttons = error.bounding_box(), page.locator(".verdicts").first.bounding_box()
    assert buttons["y"] - words["y"] - words["height"] >= 4
    context.close()


def test_each_option_of_a_long_list_is_explained_by_touch(browser, house):
    address = house.queue("touched", [trace("touched", 1)])
    context, page = sign_in(
        browser, house, "rosa", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page.goto(address)
    settle(page)
    page.locator(".verdicts label", has_text="Fail").tap()
    page.get_by_text("What went wrong").tap()
    page.locator(".option", has_text="Mode 7").tap()
    assert told(page) == ["What mode 7 means."]
    expect(page.get_by_role("checkbox", name="Mode 7")).to_be_checked()
    context.close()
