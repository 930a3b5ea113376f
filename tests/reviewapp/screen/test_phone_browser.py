"""The review screen and the pages of reviewers on a phone: what a wide screen shows is reached there too."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.reviewapp.screen.test_review_browser import (  # noqa: F401  (state is a fixture)
    at,
    furnished,
    keys,
    opened,
    sign_in,
    state,
    traces,
)
from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
# Not that of the other tests: which queue comes first in its list is part of them.
PROJECT = "on-a-phone"


@pytest.fixture(scope="module")
def house(server):
    return furnished(server, PROJECT)


@pytest.fixture(params=["light", "dark"])
def phone(request, browser, state):  # noqa: F811
    context = browser.new_context(
        storage_state=state, color_scheme=request.param, reduced_motion="reduce", viewport=PHONE
    )
    yield context.new_page()
    context.close()


def is_sound(page: Page, what: str) -> None:
    settle(page)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{what}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], what


def sheet(page: Page):
    return page.locator("#sitting")


def opener(page: Page):
    return page.locator(".narrow-progress")


def answer(page: Page, word: str, onto: int) -> None:
    page.get_by_role("radio", name=re.compile(word)).check()
    page.get_by_role("button", name=re.compile("^Submit")).click()
    at(page, onto)


def test_the_rail_is_a_sheet_that_the_bar_opens(phone, house, request):
    slug = f"sheet-{request.node.callspec.params['phone']}"
    phone.goto(house.queue(slug, traces(slug, 4)))
    answer(phone, "Fail", 2)
    expect(sheet(phone)).to_be_hidden()
    assert opener(phone).bounding_box()["height"] >= 44
    expect(opener(phone)).to_have_accessible_name(re.compile("Your sitting: item 2 of 4"))
    opener(phone).click()
    expect(sheet(phone).get_by_role("button", name="Close")).to_be_focused()
    expect(sheet(phone).locator(".decisions li")).to_have_count(1)
    # Blind still: of the item at hand the sheet says nothing that the page may not.
    expect(sheet(phone)).to_contain_text("are shown after you submit")
    assert "put in by hand" not in phone.content()
    is_sound(phone, "the sheet over a form")
    for button in sheet(phone).locator(":is(button, a):visible").all():
        assert button.bounding_box()["height"] >= 44, button.inner_text()
    keys(phone, "Escape")
    expect(sheet(phone)).to_be_hidden()
    expect(opener(phone)).to_be_focused()
    # The last decision is taken back where it is seen, and lies open again as it was.
    keys(phone, "Enter", "Tab")
    sheet(phone).get_by_role("button", name="Undo").click()
    at(phone, 1)
    expect(sheet(phone)).to_be_hidden()
    expect(phone.get_by_role("radio", name=re.compile("Fail"))).to_be_checked()


def test_keys_act_in_the_sheet_alone_while_it_is_open(browser, house, state):  # noqa: F811
    context = browser.new_context(storage_state=state, viewport=PHONE)
    page = context.new_page()
    page.goto(house.queue("behind", traces("behind", 3)))
    answer(page, "Fail", 2)
    chosen = page.locator("#rubric input[type=radio]:checked:not([name=confidence])")
    unsure = page.locator("[name=confidence][value=unsure]")
    opener(page).click()
    expect(sheet(page).get_by_role("button", name="Close")).to_be_focused()
    keys(page, "1", "j", "q", "c", "n", "x", "u", "s", "f", "Control+Enter")
    # Enter would be that of the button which has the focus.
    page.evaluate("document.activeElement.blur()")
    keys(page, "2", "k", "q", "c", "n", "x", "u", "s", "f", "Enter", "Shift+Enter", "Control+Enter")
    expect(sheet(page)).to_be_visible()
    expect(chosen).to_have_count(0)
    expect(unsure).not_to_be_checked()
    expect(page.locator("[name=corrected_output]")).to_have_value("")
    expect(page.locator("#skip-reasons")).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('#rubric')") is None
    # What is opened from it closes by its own key, and then the sheet by Escape.
    sheet(page).get_by_role("button", name="Guidelines").click()
    keys(page, "1", "g")
    expect(page.locator("#guidelines")).to_be_hidden()
    expect(sheet(page)).to_be_visible()
    keys(page, "Escape")
    expect(sheet(page)).to_be_hidden()
    expect(chosen).to_have_count(0)
    at(page, 2)
    # Here the form is what one reads; folded away it comes up to show what a key does in it.
    page.get_by_role("checkbox", name="Show the rubric").uncheck()
    expect(page.locator("#note")).to_be_hidden()
    keys(page, "2")
    expect(page.locator("#note")).to_be_visible()
    expect(chosen).to_have_value("fail")
    context.close()


# Where over a button, but for its round corners, a finger would meet something else.
HIDDEN_POINTS = """button => {
    const { left, top, width, height } = button.getBoundingClientRect();
    const found = [];
    for (let x = 0.5; x < width; x += 2) for (let y = 0.5; y < height; y += 2) {
        if (Math.min(x, width - x) < 4 && Math.min(y, height - y) < 4) continue;
        const hit = document.elementFromPoint(left + x, top + y);
        if (!button.contains(hit)) found.push([x, y, hit?.outerHTML.slice(0, 60)]);
    }
    return found;
}"""


def test_after_the_submit_a_phone_tells_why_an_item_was_chosen(phone, house, request):
    slug = f"why-{request.node.callspec.params['phone']}"
    phone.goto(house.queue(slug, traces(slug, 3)))
    answer(phone, "Pass", 2)
    opener(phone).click()
    sheet(phone).locator(".decisions a").click()
    expect(phone.locator("#rubric h2")).to_be_visible()
    expect(phone.locator("#rubric").get_by_role("button", name="Undo")).to_be_visible()
    assert phone.locator("#rubric [form=undo-this]").evaluate(HIDDEN_POINTS) == []
    head, said = (
        phone.locator(f"#rubric > .{part}").bounding_box() for part in ("rubric-head", "pane-scroll")
    )
    assert head["y"] + head["height"] <= said["y"]
    expect(phone.locator(".signals-strip")).to_contain_text("put in by hand")
    is_sound(phone, "the reveal")
    opener(phone).click()
    expect(sheet(phone)).to_contain_text("Why it was chosen")
    is_sound(phone, "the sheet over the reveal")
    sheet(phone).get_by_role("button", name="Guidelines").click()
    expect(phone.locator("#guidelines strong")).to_be_visible()
    keys(phone, "Escape")
    expect(sheet(phone)).to_be_visible()
    sheet(phone).get_by_role("button", name="Finish sitting").click()
    phone.wait_for_url("**/finish")
    expect(phone.locator("h1")).to_contain_text("1 label")


def test_what_is_chosen_in_the_open_stands_above_an_item_of_an_open_queue(phone, house, request):
    slug = f"open-{request.node.callspec.params['phone']}"
    phone.goto(house.queue(slug, traces(slug, 2), blind=False))
    opened(phone)
    expect(phone.locator(".signals-strip")).to_contain_text("put in by hand")
    is_sound(phone, "an open item")


def test_the_key_of_the_rail_opens_the_sheet_where_there_is_no_room(browser, house, state):  # noqa: F811
    context = browser.new_context(storage_state=state, viewport={"width": 1000, "height": 800})
    page = context.new_page()
    page.goto(house.queue("room", traces("room", 2)))
    opened(page)
    expect(sheet(page)).to_be_hidden()
    keys(page, "[")
    expect(sheet(page)).to_be_visible()
    # A sheet that is open while the window grows lies where the rail would be; nothing else moves.
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator(".evidence").bounding_box()["x"] == 240
    keys(page, "Escape")
    expect(sheet(page)).to_be_visible()
    assert page.locator(".evidence").bounding_box()["x"] == 240
    keys(page, "[")
    expect(sheet(page)).to_be_hidden()
    assert page.locator(".evidence").bounding_box()["x"] == 0
    keys(page, "[")
    expect(sheet(page)).to_be_visible()
    context.close()


def test_the_figures_and_labels_of_a_reviewer_fit_a_phone(phone, house, request):
    slug = f"told-{request.node.callspec.params['phone']}"
    phone.goto(house.queue(slug, traces(slug, 2), name="A queue with a name of some length"))
    answer(phone, "Fail", 2)
    phone.goto(f"{house.url}/projects/{PROJECT}/reviewers")
    whole(phone)
    is_sound(phone, "reviewers")
    phone.get_by_role("link", name="All your labels").click()
    phone.wait_for_url("**/reviewers/*")
    whole(phone)
    is_sound(phone, "one reviewer")
    named = "td => getComputedStyle(td, '::before').content"
    row = phone.locator("table.stacks").last.locator("tbody tr").first
    assert [cell.evaluate(named).strip('"') for cell in row.locator("td").all()[1:]] == [
        "Queue", "You said", "Outcome", "Time", "When",
    ]  # fmt: skip


def whole(page: Page) -> None:
    """No table is cut at the side."""
    assert page.locator("table.stacks").count()
    for table in page.locator(".table-scroll:has(.stacks)").all():
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_the_items_of_a_queue_fit_a_phone(browser, house):
    house.queue("items", traces("items", 2), name="A queue with a name of quite some length")
    context, page = sign_in(browser, house, "gina", viewport=PHONE)
    page.goto(f"{house.url}/projects/{PROJECT}/queues/items/items")
    whole(page)
    is_sound(page, "items")
    labelled = page.locator("table.stacks tbody tr").first.locator("td[data-label]").all()
    assert [cell.get_attribute("data-label") for cell in labelled] == [
        "State", "Lane", "Labels", "Held by", "Added",
    ]  # fmt: skip
    # Beside the page's actions there is no room for where one is: an ellipsis says that more follows.
    here = page.locator(".crumbs [aria-current]")
    assert here.evaluate("crumb => crumb.scrollWidth > crumb.clientWidth")
    assert here.evaluate("crumb => getComputedStyle(crumb).display") == "block"
    edge = here.bounding_box()
    assert edge["x"] + edge["width"] <= page.locator(".topbar .actions").bounding_box()["x"]
    context.close()


def test_what_opens_shows_its_triangle_on_a_phone(phone, house, request):
    slug = f"opens-{request.node.callspec.params['phone']}"
    phone.goto(house.queue(slug, traces(slug, 2)))
    answer(phone, "Fail", 2)
    phone.goto(f"{house.url}/projects/{PROJECT}/queues")
    opens = phone.locator(".more > summary").first
    assert opens.evaluate("summary => getComputedStyle(summary).display") == "list-item"
    assert opens.bounding_box()["height"] >= 44


def test_a_table_that_goes_beyond_the_edge_says_so(browser, house):
    context, page = sign_in(browser, house, "gina", viewport=PHONE)
    page.goto(f"{house.url}/projects/{PROJECT}/checks")
    table = page.locator(".table-scroll").first
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    edge = table.bounding_box()
    clip = {"x": edge["x"] + edge["width"] - 4, "y": edge["y"] + 2, "width": 3, "height": 3}
    cut = page.screenshot(clip=clip)
    table.evaluate("box => box.scrollLeft = box.scrollWidth")
    assert page.screenshot(clip=clip) != cut
    context.close()
