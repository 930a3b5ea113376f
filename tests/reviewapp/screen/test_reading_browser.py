"""What one reads before deciding, in a browser: the answer without scrolling, and what was chosen already."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.reviewapp.screen.test_phone_browser import PHONE, is_sound
from tests.reviewapp.screen.test_review_browser import furnished, keys, opened, sign_in, trace
from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = pytest.mark.browser
PROJECT = "read-first"
SCREEN = {"width": 1440, "height": 900}
MODES = [
    {"key": f"mode-{number}", "label": f"Mode {number}", "help": f"What mode {number} means."}
    for number in range(1, 13)
]
SCALE = {"key": "tone", "title": "Tone", "type": "scale", "options": [1, 2, 3]}
LONG = {"name": "Long", "guidelines": "", "failure_modes": MODES, "criteria": [SCALE]}
BACKGROUND = "element => getComputedStyle(element).backgroundColor"


@pytest.fixture(scope="module")
def house(server):
    house = furnished(server, PROJECT)
    house.call("rubrics/answer-quality/versions", LONG)
    return house


@pytest.fixture(scope="module")
def state(browser, house) -> dict:
    context, _ = sign_in(browser, house)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture(params=["light", "dark"])
def scheme(request) -> str:
    return request.param


def new_page(browser, state, scheme="light", **options) -> Page:
    options = {"viewport": SCREEN, "color_scheme": scheme, "reduced_motion": "reduce"} | options
    return browser.new_context(storage_state=state, **options).new_page()


def asked(slug: str, question: str) -> dict:
    told = trace(slug, 1)
    told["input"]["messages"][-1]["content"] = question
    return told


def is_filled(page: Page, key, expected: str) -> None:
    """The mark of a chosen option has the colour of what is chosen, and its digit another."""
    assert key.evaluate(BACKGROUND) == expected
    assert key.evaluate("key => getComputedStyle(key).color") != expected


def test_what_is_chosen_looks_chosen_out_of_focus_too(browser, house, state, scheme):
    slug = f"chosen-{scheme}"
    page = new_page(browser, state, scheme)
    page.goto(house.queue(slug, [trace(slug, 1)]))
    opened(page)
    keys(page, "2", "Enter", "1", "3")
    key = page.locator("[name=failure_modes]:checked + kbd")
    expect(key).to_have_count(2)
    focused = key.first.evaluate(BACKGROUND)
    assert focused not in ("rgba(0, 0, 0, 0)", page.locator("#rubric").evaluate(BACKGROUND))
    keys(page, "Enter", "2", "k", "k")
    settle(page)
    expect(page.locator(".criterion.current [name=verdict]")).to_have_count(3)
    for mark in (key.first, key.last, page.locator(".scale :checked + kbd")):
        is_filled(page, mark, focused)
    page.context.close()


def test_the_help_of_what_is_chosen_stands_on_its_own_row_on_a_phone(browser, house, state, scheme):
    slug = f"row-{scheme}"
    page = new_page(browser, state, scheme, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(house.queue(slug, [trace(slug, 1)]))
    page.locator(".verdicts label", has_text="Fail").tap()
    page.get_by_text("What went wrong").tap()
    page.locator(".option", has_text="Mode 7").tap()
    told = page.locator(".option small", has_text="What mode 7 means.")
    expect(told).to_be_visible()
    assert told.evaluate(BACKGROUND) == "rgba(0, 0, 0, 0)"
    page.context.close()


def is_within(page: Page, bottom: int) -> bool:
    """Whether the answer begins above this height."""
    return page.locator("#answer-title").bounding_box()["y"] < bottom


def test_a_long_question_leaves_the_answer_on_the_first_screen(browser, house, state, scheme):
    slug = f"long-{scheme}"
    page = new_page(browser, state, scheme)
    page.goto(house.queue(slug, [asked(slug, "What is due? " + "line " * 696 + "the end")]))
    opened(page)
    assert is_within(page, 600)
    is_sound(page, "a question that is cut")
    button = page.locator(".unfold summary")
    expect(button).to_have_text("Show all 701 words", use_inner_text=True)
    # By the keyboard, in place; the whole text is in the page all the time.
    expect(page.locator(".prose.user")).to_contain_text("the end")
    button.focus()
    keys(page, "Enter")
    expect(button).to_have_text("Show less", use_inner_text=True)
    assert not is_within(page, 900)
    is_sound(page, "the whole question")
    keys(page, "Space")
    assert is_within(page, 600)
    expect(button).to_be_focused()
    expect(button).to_be_in_viewport()
    page.emulate_media(media="print")
    assert page.locator(".prose.user").evaluate("text => text.scrollHeight - text.clientHeight") == 0
    page.set_viewport_size(PHONE)
    page.emulate_media(media="screen")
    assert is_within(page, 405)  # below stands the sheet
    page.context.close()


def test_a_short_question_has_no_button_and_a_middling_one_has_it_on_a_phone(browser, house, state):
    page = new_page(browser, state, java_script_enabled=False)
    page.goto(house.queue("short", [trace("short", 1)]))
    expect(page.locator(".prose.user")).to_be_visible()
    expect(page.locator(".unfold")).to_have_count(0)
    page.goto(house.queue("middling", [asked("middling", "word " * 120)]))
    button = page.get_by_text("Show all 120 words")
    expect(button).to_be_hidden()
    cut = "text => text.scrollHeight > text.clientHeight"
    assert not page.locator(".prose.user").evaluate(cut)
    page.set_viewport_size(PHONE)
    expect(button).to_be_visible()
    assert page.locator(".prose.user").evaluate(cut)
    button.click()
    assert not page.locator(".prose.user").evaluate(cut)
    page.context.close()


def test_the_question_of_a_pair_and_of_what_a_lead_decides_is_cut_as_well(browser, house, state):
    long, other = "What is due? " + "line " * 697, "What is owed? " + "line " * 997
    same = [asked("same", long) | {"id": f"same-{side}"} for side in "ab"]
    unlike = [asked("unlike", text) | {"id": f"unlike-{text[8:11]}"} for text in (long, other)]
    page = new_page(browser, state)
    for slug, two in (("same", same), ("unlike", unlike)):
        ids = [each["id"] for each in two]
        page.goto(house.queue(slug, two, [ids], kind="pair"))
        opened(page)
        buttons = page.locator(".unfold summary")
        expect(buttons).to_have_count(1 if slug == "same" else 2)
        assert page.locator(".pair .prose.answer").first.bounding_box()["y"] < 700
        is_sound(page, f"a pair, {slug}")
    item = (page.locator("form#rubric").get_attribute("action") or "").split("/items/")[1].split("/")[0]
    page.context.close()
    context, lead = sign_in(browser, house, "gina", viewport=SCREEN)
    lead.goto(f"{house.url}/projects/{PROJECT}/adjudication/{item}")
    expect(lead.locator(".unfold summary")).to_have_count(2)
    context.close()
