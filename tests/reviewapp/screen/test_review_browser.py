"""The reviewer's screen in a browser: the keyboard alone, nothing typed lost, hostile text, accessibility.

Everything goes in through the HTTP endpoints of the running server.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.reviewapp.traces.test_traces_browser import (  # noqa: F401  (listener is a fixture)
    UNSEEN,
    Watch,
    hostile_trace,
    listener,
    payloads,
    settle,
)

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
PASSWORD = "a long enough passphrase"
PROJECT = "reviewed"


@pytest.fixture(scope="module")
def house(server) -> SimpleNamespace:
    return furnished(server)


def furnished(server, project: str = PROJECT) -> SimpleNamespace:
    """A project on the running server; `queue(slug, traces, ...)` makes a queue that holds them."""
    said = server.manage_each(
        ["create_project", project],
        *(
            ["create_user", name, "--project", project, "--role", role, "--password", PASSWORD]
            for name, role in (("gina", "lead"), ("rosa", "reviewer"))
        ),
        ["create_token", project, "test", "--scope", "admin"],
    )
    token = said[-1].split()[-1]

    def call(path, body=None, method=None):
        request = urllib.request.Request(
            server.url + "/api/v1/" + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refusal:
            raise AssertionError(refusal.read().decode()) from None

    made = set()

    def queue(slug, traces, pairs=None, **settings):
        # A test that is tried once more has a queue of its own again.
        slug = f"{slug}-again" if slug in made else slug
        made.add(slug)
        call("traces", traces)
        call("queues", {"slug": slug, "name": slug.capitalize(), **settings})
        ids = [trace["id"] for trace in traces]
        told = call(f"queues/{slug}/items", {"pairs": pairs} if pairs else {"trace_ids": ids})
        assert json.loads(told)["added"], told
        return f"{server.url}/projects/{project}/queues/{slug}/review"

    def labels():
        lines = [json.loads(line) for line in call("labels").splitlines() if line]
        return [line for line in lines if line.get("verdict") or line.get("preference")]

    call("rubrics/answer-quality/versions", RUBRIC)
    return SimpleNamespace(url=server.url, call=call, queue=queue, labels=labels)


RUBRIC = {
    "name": "Answer quality",
    "guidelines": "Pass what you would **send** yourself.",
    "failure_modes": [
        {"key": f"mode-{number}", "label": f"Mode {number}", "help": f"What mode {number} means."}
        for number in range(1, 6)
    ],
    "criteria": [
        {"key": "tone", "title": "Tone", "type": "scale", "options": [1, 2, 3], "pass_example": "kind"},
        {"key": "cost", "title": "Cost", "type": "number", "shown": "after_fail", "minimum": 0},
    ],
}


def trace(slug: str, number: int) -> dict:
    started = NOW - timedelta(minutes=number)
    passage = {"id": "returns", "text": "You can have your money back within thirty days."}
    return {
        "id": f"{slug}-{number}",
        "route": slug,
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(seconds=2)).isoformat(),
        "input": {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi"},
                {"role": "user", "content": f"My zip broke, number {number}"},
            ]
        },
        "output": f"Sorry. **You can have your money back**, number {number}.",
        "context": [passage],
        "scores": [{"name": "faithfulness", "value": 0.3, "source": "llm"}],
        "spans": [{"span_id": f"{slug}{number}", "name": "chat", "started_at": started.isoformat()}],
    }


def traces(slug: str, number: int) -> list[dict]:
    return [trace(slug, each) for each in range(1, number + 1)]


def sign_in(browser: Browser, house, name: str = "rosa", **options):
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(f"{house.url}/projects/{PROJECT}/queues")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    return context, page


@pytest.fixture(scope="module")
def state(browser, house) -> dict:
    context, _ = sign_in(browser, house)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def page(browser, state):
    context = browser.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    yield page
    context.close()
    assert page.faults == []


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def place(page: Page):
    return page.locator(".sitting-count .figure")


def at(page: Page, number: int, seconds: int = 60) -> None:
    """The item of this number is open, and its keys are heard: a new page's scripts come after its text."""
    expect(place(page)).to_have_text(str(number), timeout=seconds * 1000)
    opened(page)


def opened(page: Page) -> None:
    expect(page.locator("form#rubric.keyed")).to_be_visible()


def saved(page: Page):
    return expect(page.locator("#saved"))


def is_saved(page: Page) -> None:
    """The server has what was typed last: until then it says that it saves, or that it could not."""
    saved(page).to_have_text(re.compile(r"^\s*saved \d"))


def test_twenty_items_by_the_keyboard_alone(page, house):
    address = house.queue("keyboard", traces("keyboard", 20))
    page.goto(address.rsplit("/", 2)[0])
    keys(page, "Enter")
    at(page, 1)
    # Pass, and on.
    keys(page, "1", "Control+Enter")
    at(page, 2)
    # Fail, two modes, a note with keys in it, unsure stays unpressed.
    keys(page, "2", "Enter", "1", "3", "j", "3", "n")
    page.keyboard.type("j k 1 u s f: no key is heard here")
    keys(page, "Escape", "c")
    expect(page.locator("[name=corrected_output]")).to_be_focused()
    page.keyboard.type(" Better so.")
    keys(page, "Escape", "d")
    expect(page.locator("#diff ins")).to_have_text(" Better so.")
    keys(page, "Escape", "g")
    expect(page.locator("#guidelines strong")).to_have_text("send")
    keys(page, "Escape", "t")
    expect(page.locator("#spans")).to_have_attribute("open", "")
    keys(page, "r")
    expect(page.locator(".prose.answer.as-is")).to_contain_text("**You can")
    keys(page, "Control+Enter")
    at(page, 3)
    # Skip for the second reason; flag; undo the last submit and do it again.
    keys(page, "s")
    expect(page.locator("#skip-reasons")).to_be_visible()
    keys(page, "2")
    at(page, 4)
    keys(page, "f")
    page.keyboard.type("please look")
    keys(page, "Tab", "Tab", "Enter")
    expect(page.locator("#toast")).to_contain_text("Flagged")
    keys(page, "u")
    expect(page.locator("#note")).to_have_value("j k 1 u s f: no key is heard here")
    keys(page, "Control+Enter")
    at(page, 4)
    # Compare with the others, go on by Enter, change nothing.
    keys(page, "3", "q", "Q", "q", "Shift+Enter")
    expect(page.locator("#rubric h2")).to_have_text("Submitted")
    keys(page, "Enter")
    at(page, 5)
    for number in range(5, 20):
        keys(page, "1", "Control+Enter")
        at(page, number + 1)
    keys(page, "1", "Control+Enter")
    page.wait_for_url("**/finish")
    expect(page.locator("h1")).to_contain_text("19 labels, 1 skipped")
    # The last one of all is taken back from there.
    keys(page, "u")
    opened(page)
    keys(page, "Control+Enter")
    page.wait_for_url("**/finish")
    expect(page.locator("h1")).to_contain_text("19 labels, 1 skipped")
    told = [label for label in house.labels() if label["trace_id"].startswith("keyboard")]
    failed = [label for label in told if label["verdict"] == "fail"]
    assert len({label["trace_id"] for label in told}) == 19
    assert [label["confidence"] for label in told if label["verdict"] == "cannot_tell"] == ["unsure"]
    assert failed[-1]["failure_modes"] == ["mode-1", "mode-3"]
    assert failed[-1]["corrected_output"].endswith(" Better so.")


def test_what_is_typed_is_saved_by_itself_and_back_after_a_reload(page, house):
    page.goto(house.queue("reloaded", traces("reloaded", 2)))
    keys(page, "2", "j", "2", "n")
    page.keyboard.type("half a thought")
    is_saved(page)
    page.reload()
    expect(page.locator("#note")).to_have_value("half a thought")
    expect(page.locator("[name=failure_modes]:checked")).to_have_count(1)
    # Leaving at once saves as well: no pause, no wait.
    keys(page, "n", "End")
    page.keyboard.type(" and more")
    page.goto(f"{house.url}/projects/{PROJECT}/queues")
    page.go_back()
    page.reload()
    expect(page.locator("#note")).to_have_value("half a thought and more")


def stands_after_a_reload(page: Page, text: str) -> None:
    """The server has the note, and nobody was asked which of two texts to keep."""
    is_saved(page)
    expect(page.locator("#conflict")).not_to_be_visible()
    page.reload()
    expect(page.locator("#note")).to_have_value(text)


@pytest.mark.parametrize("pause", [0, 200, 350])
def test_typing_on_through_a_reload_is_no_other_window(page, house, pause):
    """What the left page sends arrives while the next one is drawn, or after it."""
    page.goto(house.queue(f"through-{pause}", traces(f"through-{pause}", 1)))
    keys(page, "n")
    page.keyboard.type("one")
    page.wait_for_timeout(pause)
    page.reload()
    opened(page)
    keys(page, "n")
    page.keyboard.type(" and two")
    is_saved(page)
    page.wait_for_timeout(600)
    stands_after_a_reload(page, "one and two")


# Keys that follow each other sooner than a browser does anything else; what has the focus then, and what once
# it has done the rest, by name and place of the cursor.
PRESS_AT_ONCE = """async keys => {
    const focus = () => [document.activeElement.name, document.activeElement.selectionStart];
    for (const key of keys) {
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
    const first = focus();
    await new Promise(done => setTimeout(done, 200));
    return [first, focus()];
}"""


def test_what_follows_a_key_at_once_stands_in_the_field_that_it_opens(page, house):
    page.goto(house.queue("at-once", traces("at-once", 1)))
    opened(page)
    given = page.locator("#answer-as-given").input_value()
    assert page.evaluate(PRESS_AT_ONCE, ["c"]) == [["corrected_output", len(given)]] * 2
    page.keyboard.type(" More.")
    expect(page.locator("[name=corrected_output]")).to_have_value(f"{given} More.")


def test_a_field_that_was_opened_by_a_key_takes_the_focus_from_no_other(page, house):
    page.goto(house.queue("from-no-other", traces("from-no-other", 1)))
    opened(page)
    assert page.evaluate(PRESS_AT_ONCE, ["c", "Escape", "n"]) == [["note", 0]] * 2


def test_a_key_leads_to_the_end_of_what_stands_in_a_field(page, house):
    page.goto(house.queue("to-the-end", traces("to-the-end", 1)))
    opened(page)
    page.fill("#note", "before")
    keys(page, "Home", "Escape", "n")
    page.keyboard.type(" after")
    expect(page.locator("#note")).to_have_value("before after")


def test_a_change_of_mind_is_kept_here_until_it_is_handed_in(page, house):
    page.goto(house.queue("minds", traces("minds", 1)))
    opened(page)
    keys(page, "1", "Shift+Enter")
    expect(page.locator("#rubric h2")).to_have_text("Submitted")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    keys(page, "m")
    opened(page)
    keys(page, "2", "n")
    page.keyboard.type("they saw more")
    expect(page.locator("[data-saved]").first).to_have_text("kept in this browser")
    page.wait_for_timeout(600)
    page.reload()
    opened(page)
    expect(page.locator("#note")).to_have_value("they saw more")
    keys(page, "Control+Enter")
    expect(page.locator("#rubric h2")).to_have_text("Submitted")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft'))") == []
    keys(page, "m")
    opened(page)
    expect(page.locator("#note")).to_have_value("they saw more")
    assert errors == []


def test_an_answer_that_is_read_slowly_is_no_other_window(page, house):
    """The next save waits for the version in it."""
    page.add_init_script(
        "const read = Response.prototype.json; Response.prototype.json = async function () {"
        " await new Promise((done) => setTimeout(done, 1500)); return read.call(this); };"
    )
    page.goto(house.queue("slow", traces("slow", 2)))
    with page.expect_response("**/draft"):
        page.fill("#note", "first")
    page.fill("#note", "first and second")
    page.wait_for_timeout(800)
    stands_after_a_reload(page, "first and second")


def test_two_tabs_are_shown_both_texts(page, house):
    address = house.queue("tabs", traces("tabs", 2))
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)
    page.fill("#note", "from the first tab")
    is_saved(page)
    other.fill("#note", "from the second tab")
    both = other.locator("#conflict .both-texts")
    expect(both).to_contain_text("from the first tab")
    expect(both).to_contain_text("from the second tab")
    # Whoever was typing chooses nothing by the next space or Enter.
    expect(other.locator("#conflict h2")).to_be_focused()
    other.locator("[data-keep]").click()
    is_saved(other)
    page.fill("#note", "the first again")
    expect(page.locator("#conflict")).to_be_visible()
    page.locator("[data-take]").click()
    expect(page.locator("#note")).to_have_value("from the second tab")


def test_two_tabs_of_a_pair_are_told_apart_by_the_letters_on_the_screen(page, house):
    made = traces("letters", 2)
    address = house.queue("letters", made, pairs=[["letters-1", "letters-2"]], kind="pair")
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)
    opened(page)
    opened(other)
    keys(page, "1")
    is_saved(page)
    keys(other, "2")
    both = other.locator("#conflict .both-texts")
    expect(both).to_have_text(re.compile(r"Here\s*B\s*In the other tab\s*A"))
    other.locator("[data-keep]").click()
    is_saved(other)


def test_what_was_skipped_comes_again_by_one_key_after_the_other(page, house):
    page.goto(house.queue("skipped", traces("skipped", 3)))
    for number in (1, 2, 3):
        at(page, number)
        keys(page, "s", "1")
    page.wait_for_url("**/finish")
    keys(page, "Enter")
    opened(page)
    for left in (2, 1):
        title = page.locator(".prose.user").inner_text()
        keys(page, "1", "Control+Enter")
        expect(page.locator(".prose.user")).not_to_have_text(title)
        opened(page)
        expect(page.locator(".sitting-rail")).to_contain_text(f"{3 - left} done")
        page.reload()
        opened(page)
    keys(page, "1", "Control+Enter")
    page.wait_for_url("**/finish")
    expect(page.locator("h1")).to_contain_text("3 labels")


def decided(browser, page, house, slug):
    """Rosa's first label in this queue, which a lead decides with it in view; its second item is open."""
    page.goto(house.queue(slug, traces(slug, 3), overlap=2, double_share=0))
    opened(page)
    keys(page, "1", "Control+Enter")
    at(page, 2)
    mine = [label for label in house.labels() if label["trace_id"].startswith(f"{slug}-")][-1]
    context, other = sign_in(browser, house, "gina")
    other.goto(f"{house.url}/projects/{PROJECT}/items/{mine['item_id']}")
    other.get_by_role("button", name="Take this item").click()
    opened(other)
    keys(other, "2", "Control+Enter")
    at(other, 2)
    other.goto(f"{house.url}/projects/{PROJECT}/adjudication/{mine['item_id']}")
    keys(other, "2")
    expect(other.locator(".message.success")).to_contain_text("Decided")
    context.close()
    return mine["item_id"]


def test_an_undo_that_is_refused_leaves_a_page_that_can_be_reloaded_and_left_by_key(browser, page, house):
    label = decided(browser, page, house, "stays")
    page.goto(f"{house.url}/projects/{PROJECT}/items/{label}")
    keys(page, "u")
    expect(page.locator("#rubric .message.error")).to_contain_text("A lead has already decided this item")
    page.reload()
    expect(page.locator("#rubric h2")).to_have_text("Submitted")
    expect(page.locator("#rubric .message.error")).to_have_count(0)
    keys(page, "Control+Enter")
    opened(page)


def test_an_undo_that_is_refused_leaves_what_is_typed_where_it_is(browser, page, house):
    label = decided(browser, page, house, "refuses")
    address, question = page.url, page.locator(".prose.user").inner_text()
    keys(page, "n")
    page.keyboard.type("half a")
    keys(page, "Escape", "u")
    expect(page.locator("#toast")).to_contain_text("was not taken back. A lead has already decided")
    # Beside the buttons, however long the words are.
    told, buttons = page.locator("#toast").bounding_box(), page.locator(".submit-bar").bounding_box()
    assert told["x"] + told["width"] <= buttons["x"]
    keys(page, "n")
    page.keyboard.type(" thought")
    is_saved(page)
    assert (page.url, page.locator(".prose.user").inner_text()) == (address, question)
    stands_after_a_reload(page, "half a thought")
    # And on the last page of a sitting.
    page.goto(f"{address.removesuffix('review')}finish")
    keys(page, "u")
    expect(page.locator(".message.error")).to_contain_text("was not taken back. A lead has already decided")
    assert page.url.endswith("/finish")
    page.goto(f"{house.url}/projects/{PROJECT}/items/{label}")
    expect(page.locator("#rubric h2")).to_have_text("Submitted")


def test_an_item_that_others_hold_is_left_by_the_keys_that_hand_in(browser, page, house):
    address = house.queue("others", traces("others", 2))
    context, other = sign_in(browser, house, "gina")
    other.goto(address)
    opened(other)
    item = other.locator("form#rubric").get_attribute("data-draft").split("/")[-2]
    page.goto(f"{house.url}/projects/{PROJECT}/items/{item}")
    expect(page.locator("#rubric h2")).to_have_text("Not held by you")
    expect(page.locator(".sitting-count")).to_have_count(0)
    keys(page, "Control+Enter")
    page.wait_for_url("**/review")
    opened(page)
    context.close()


def test_a_session_that_ends_in_the_middle_of_a_note_loses_nothing(page, house):
    page.goto(house.queue("signed-out", traces("signed-out", 3)))
    keys(page, "2", "n")
    page.keyboard.type("the first half")
    is_saved(page)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.type(", the second half")
    expect(page.locator("#sign-in")).to_be_visible()
    page.fill("#sign-in-password", "not the password")
    keys(page, "Enter")
    expect(page.locator("#sign-in [role=alert]")).to_contain_text("did not work")
    page.fill("#sign-in-password", PASSWORD)
    keys(page, "Enter")
    expect(page.locator("#sign-in")).to_be_hidden()
    is_saved(page)
    # And in the middle of a submit, which goes through after the sign-in.
    page.context.clear_cookies(name="sessionid")
    keys(page, "Control+Enter")
    expect(page.locator("#sign-in")).to_be_visible()
    page.fill("#sign-in-password", PASSWORD)
    keys(page, "Enter")
    at(page, 2)
    told = [label for label in house.labels() if label["trace_id"].startswith("signed-out")]
    assert [label["note"] for label in told] == ["the first half, the second half"]


def test_who_lost_all_cookies_is_told_to_reload_and_finds_the_text(page, house):
    """It was said that the item is closed."""
    page.goto(house.queue("cookies", traces("cookies", 1)))
    keys(page, "n")
    page.keyboard.type("half")
    is_saved(page)
    page.context.clear_cookies()
    page.keyboard.type(" a note")
    expect(page.locator("#saved")).to_contain_text("not saved: reload the page, your text is kept")
    page.reload()
    page.fill("input[name=login]", "rosa")
    page.fill("input[name=password]", PASSWORD)
    keys(page, "Enter")
    expect(page.locator("textarea[name=note]")).to_have_value("half a note")


def test_a_lease_that_ran_out_keeps_the_text_and_is_taken_again(page, house):
    page.goto(house.queue("short", traces("short", 2), lease_seconds=5))
    page.fill("#note", "slowly typed")
    # Without the page's heartbeat, as on a machine that slept.
    page.evaluate("document.getElementById('lease').dataset.beat = '/nowhere'")
    expect(page.locator("#lost")).to_be_visible()
    house.call("queues/short", {"lease_seconds": 600}, "PATCH")
    keys(page, "Control+Enter")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#note")).to_have_value("slowly typed")
    keys(page, "Escape", "1", "Control+Enter")
    at(page, 2)


def test_what_is_typed_in_the_moment_before_an_undo_is_there_again(page, house):
    page.goto(house.queue("hasty", traces("hasty", 3)))
    keys(page, "1", "Control+Enter")
    at(page, 2)
    keys(page, "n")
    page.keyboard.type("a thought")
    keys(page, "Escape", "u")
    expect(page.locator("#note")).to_have_value("")
    keys(page, "Control+Enter")
    expect(page.locator("#note")).to_have_value("a thought")


def test_while_one_types_to_a_lead_the_keys_of_submit_send_the_flag(page, house):
    page.goto(house.queue("flagging", traces("flagging", 2)))
    keys(page, "1", "f")
    page.keyboard.type("Who answers this one?")
    keys(page, "Control+Enter")
    expect(page.locator("#toast")).to_contain_text("Flagged")
    expect(place(page)).to_have_text("1")


def test_a_submit_is_followed_by_no_save_of_what_it_sent(page, house):
    """The line on the queue's standing is asked for meanwhile, and asks for a save of what is not saved."""
    drafts = []
    page.on("request", lambda asked: drafts.append(asked.url) if asked.url.endswith("/draft") else None)
    page.route("**/submit", lambda route: (page.wait_for_timeout(900), route.continue_()))
    page.goto(house.queue("once", traces("once", 2)))
    keys(page, "1", "Control+Enter")
    at(page, 2)
    assert drafts == []


def test_a_save_that_its_own_submit_overtakes_is_no_error(page, house):
    errors, held = [], []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.route("**/draft", lambda route: held.append(route))
    page.goto(house.queue("overtaken", traces("overtaken", 2)))
    opened(page)
    with page.expect_request("**/draft"):
        page.fill("#note", "on its way")
    keys(page, "Escape", "1", "Control+Enter")
    at(page, 2)
    with page.expect_response("**/draft") as told:
        held[0].continue_()
    assert told.value.status == 204
    assert errors == []
    told = [label for label in house.labels() if label["trace_id"].startswith("overtaken")]
    assert [label["note"] for label in told] == ["on its way"]
    # What another tab has handed in is not saved, and this one says so.
    page.unroute("**/draft")
    other = page.context.new_page()
    other.goto(page.url)
    opened(other)
    page.fill("#note", "in the first tab")
    is_saved(page)
    keys(page, "Escape", "1", "Control+Enter")
    page.wait_for_url("**/finish")
    other.fill("#note", "in the second")
    saved(other).to_contain_text("not saved: you have handed this item in")


def test_without_a_network_it_says_so_tries_again_and_loses_nothing(page, house):
    page.goto(house.queue("offline", traces("offline", 3)))
    page.context.set_offline(True)
    keys(page, "1", "n")
    page.keyboard.type("written in a tunnel")
    saved(page).to_contain_text("not saved, kept here")
    keys(page, "Control+Enter")
    page.wait_for_timeout(100)
    page.context.set_offline(False)
    at(page, 2)
    told = [label for label in house.labels() if label["trace_id"].startswith("offline")]
    assert [label["note"] for label in told] == ["written in a tunnel"]
    # A text that never reached the server is in this browser still.
    page.context.set_offline(True)
    page.fill("#note", "lost power here")
    saved(page).to_contain_text("not saved, kept here")
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#note")).to_have_value("lost power here")


def test_what_was_chosen_here_alone_is_not_said_of_a_text_that_came_later(page, house):
    # Tried once more, it has a trace of its own again: the first one says the other answer already.
    sent = trace(f"grown-{uuid4().hex[:8]}", 1)
    page.goto(house.queue("grown", [sent]))
    opened(page)
    page.route("**/draft", lambda route: route.abort())
    keys(page, "1", "n")
    page.keyboard.type("right so far")
    saved(page).to_contain_text("not saved, kept here")
    page.unroute("**/draft")
    house.call("traces", [sent | {"output": "It is **another** answer.", "ended_at": NOW.isoformat()}])
    # Told once: what is saved from there on was typed for the new text.
    is_told, until = False, time.monotonic() + 60
    while not page.get_by_text("It is another answer.").count() and time.monotonic() < until:
        page.reload()
        opened(page)
        page.wait_for_timeout(50)
        is_told = is_told or page.locator("#outdated").is_visible()
    assert is_told
    expect(page.locator("#note")).to_have_value("right so far")
    expect(page.locator("input[name=verdict]:checked")).to_have_count(0)


def test_a_refused_submit_leads_to_the_question(page, house):
    page.goto(house.queue("refused", traces("refused", 1)))
    page.fill("#note", "no verdict yet")
    keys(page, "Control+Enter")
    expect(page.locator(".criterion.refused")).to_contain_text("Answer this one first.")
    expect(page.locator("#note")).to_have_value("no verdict yet")
    expect(page.locator("[name=verdict]").first).to_be_focused()


def test_pairs_are_answered_by_keys(page, house):
    made = traces("pairs", 4)
    pairs = [["pairs-1", "pairs-2"], ["pairs-3", "pairs-4"]]
    page.goto(house.queue("pairs", made, pairs=pairs, kind="pair"))
    expect(page.locator(".pair .card")).to_have_count(2)
    keys(page, "2", "Control+Enter")
    at(page, 2)
    keys(page, "4", "Shift+Enter")
    expect(page.locator(".says").first).to_have_text("Both bad")
    assert {label["preference"] for label in house.labels()} & {"a", "b"}


def test_a_disagreement_is_decided_by_keys(browser, page, house):
    """The cause and the flag of the rubric have keys of their own, which the list of keys names."""
    address = house.queue("decided", traces("decided", 1), overlap=2, double_share=0)
    page.goto(address)
    keys(page, "1", "Control+Enter")
    page.wait_for_url("**/finish")
    context, other = sign_in(browser, house, "gina")
    other.goto(address)
    keys(other, "2", "Control+Enter")
    other.wait_for_url("**/finish")
    other.goto(f"{house.url}/projects/{PROJECT}/adjudication")
    other.locator("tr", has_text="Decided").locator("[data-row]").press("Enter")
    other.wait_for_url("**/adjudication/*")
    cause = expect(other.locator("[name=cause]:checked"))
    keys(other, "?")
    expect(other.locator("#help")).to_contain_text("they differ: rubric ambiguous")
    keys(other, "Escape")
    for key, named in (("w", "judge_wrong"), ("h", "human_wrong"), ("m", "missing_context"),
                       ("a", "rubric_ambiguous")):  # fmt: skip
        keys(other, key)
        cause.to_have_value(named)
    keys(other, "r", "x")
    expect(other.locator("details.more[open] [name=failure_modes]").first).to_be_visible()
    keys(other, "n")
    other.keyboard.type("what does tone 2 mean? w h a m r")
    keys(other, "Escape")
    cause.to_have_value("rubric_ambiguous")
    keys(other, "2")
    # Not confirmed: a lead's own label is no second opinion.
    expect(other.locator(".message.success")).to_have_text("Decided: fail.")
    other.goto(f"{house.url}/projects/{PROJECT}/adjudication?show=decided")
    keys(other, "j", "Enter")
    expect(other.locator(".timeline")).to_contain_text("Rubric ambiguous")
    other.goto(f"{house.url}/projects/{PROJECT}/adjudication?show=flagged")
    expect(other.locator("tr", has_text="Decided")).to_have_count(1)
    context.close()


def test_a_rubric_is_edited_in_place(browser, house):
    context, page = sign_in(browser, house, "gina")
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{house.url}/projects/{PROJECT}/rubrics/answer-quality/edit")
    forms, criteria = page.locator("#editor form"), page.locator("#editor details.criterion")
    expect(criteria).to_have_count(3)
    page.locator("#c-add").press("Enter")
    expect(criteria).to_have_count(4)
    expect(forms).to_have_count(1)
    page.get_by_label("Question").last.fill("Is it polite?")
    page.locator("button[name=preview]").press("Enter")
    expect(page.locator("#preview")).to_contain_text("Is it polite?")
    criteria.last.locator("summary").press("Enter")
    page.locator("#c3-remove").press("Enter")
    expect(criteria).to_have_count(3)
    expect(forms).to_have_count(1)
    context.close()
    assert faults == []


def test_chosen_rows_of_the_explorer_go_to_a_queue(browser, house):
    house.queue("by-hand", traces("by-hand", 1))
    house.call("traces", [trace("chosen", number) for number in range(1, 5)])
    context, page = sign_in(browser, house, "gina")
    page.goto(f"{house.url}/projects/{PROJECT}/traces?route=chosen")
    keys(page, "j", "x", "j", "j", "Shift+X")
    expect(page.locator("[data-chosen]")).to_have_text("3 traces chosen")
    page.select_option("#enqueue-queue", "by-hand")
    page.get_by_role("button", name="Add to queue").click()
    expect(page.locator(".message.success")).to_contain_text("3 traces added to By-hand")
    context.close()


def test_hostile_text_does_nothing_on_the_review_pages(browser, house, state, listener):  # noqa: F811
    texts = payloads(listener.url)
    hostile = [hostile_trace(number, text) for number, text in enumerate(texts, 1)]
    for number, body in enumerate(hostile):
        body["id"] = f"hostile-{number}"
        body.pop("scores")
    everything = " ".join(texts)
    house.call(
        "rubrics/hostile/versions",
        {
            "name": everything[:120],
            "guidelines": everything,
            "failure_modes": [{"key": "m", "label": text, "help": text} for text in texts[:1]],
            "criteria": [
                {"key": "c", "title": texts[1][:200], "help": texts[2], "type": "choice",
                 "options": [{"value": "v", "label": texts[3], "help": texts[4]},
                             {"value": "w", "label": texts[6]}],
                 "pass_example": texts[5], "fail_example": everything[:2000]},
            ],
        },
    )  # fmt: skip
    name = f"Hostile {UNSEEN[:6]}"
    address = house.queue("hostile", hostile, rubric="hostile", name=name, description=everything)
    context = browser.new_context(storage_state=state)
    page = context.new_page()
    watch = Watch(page, house.url)
    page.on("response", lambda r: r.status >= 400 and watch.strange.append(f"{r.status} {r.url}"))
    page.goto(address)
    for text in texts[:8]:
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        settle(page)
        assert not set(UNSEEN) & set(page.content())
        keys(page, "Escape", "2", "Enter", "1")
        page.fill("#note", text)
        page.fill("[name=corrected_output]", everything)
        keys(page, "Escape", "d")
        expect(page.locator("#diff")).to_be_visible()
        keys(page, "Escape", "Escape")
        page.locator("#submit-show").click()
        expect(page.locator("#rubric h2")).to_have_text("Submitted")
        settle(page)
        keys(page, "Enter")
        opened(page)
    finish = address.removesuffix("review") + "finish"
    for shown in (f"{house.url}/projects/{PROJECT}/queues", finish):
        page.goto(shown)
        settle(page)
        assert not set(UNSEEN) & set(page.content())
    context.close()
    assert watch.strange == []
    assert listener.heard == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_pages_are_accessible_and_fit(browser, house, state, scheme, width, height):
    slug = f"axe-{scheme}-{width}"
    address = house.queue(slug, traces(slug, 4))
    context = browser.new_context(
        storage_state=state,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
    )
    page = context.new_page()

    def check(what: str) -> None:
        settle(page)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{what}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what

    page.goto(address)
    check("fresh")
    page.get_by_role("radio", name=re.compile("Fail")).check()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    page.get_by_role("button", name=re.compile("^Skip")).click()
    check("failing, all open, skip asked")
    keys(page, "Escape")
    if width < 720:
        for target in page.locator(".submit-bar button:visible, .verdicts label:visible").all():
            assert target.bounding_box()["height"] >= 44
        page.get_by_role("button", name=re.compile("^Submit")).click()
        page.goto(address.removesuffix("review") + "finish")
    else:
        page.locator("#submit-show").click()
        expect(page.locator("#rubric h2")).to_have_text("Submitted")
        check("revealed")
        page.goto(address.removesuffix("review") + "finish")
    check("finish")
    page.goto(f"{house.url}/projects/{PROJECT}/queues")
    check("queues")
    context.close()
