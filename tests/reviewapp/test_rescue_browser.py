"""What a lead typed outlives the session: the page stays, and is sent once one has signed in on it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.reviewapp.screen.test_review_browser import PASSWORD, at, furnished, keys, sign_in, traces

pytestmark = pytest.mark.browser

PROJECT = "rescued"


@pytest.fixture(scope="module")
def house(server):
    return furnished(server, PROJECT)


@pytest.fixture
def lead(browser, house):
    context, page = sign_in(browser, house, "gina")
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def sign_in_again(page: Page) -> None:
    expect(page.locator("#sign-in")).to_be_visible()
    page.fill("#sign-in-password", PASSWORD)
    keys(page, "Enter")
    expect(page.locator("#sign-in")).to_be_hidden()


def editor(page: Page, house):
    page.goto(f"{house.url}/projects/{PROJECT}/rubrics/answer-quality/edit")
    return page.locator("#guidelines")


@pytest.mark.parametrize("ended", ["sessionid", None], ids=["the session", "every cookie"])
def test_a_rubric_is_saved_after_a_session_that_ended_meanwhile(lead, house, ended):
    guidelines = editor(lead, house)
    guidelines.fill(f"Typed before {ended} ended.")
    lead.context.clear_cookies(**({"name": ended} if ended else {}))
    lead.get_by_role("button", name="Save the draft").click()
    # Not now: the text stays, and is sent when one asks for it again.
    expect(lead.locator("#sign-in")).to_be_visible()
    lead.get_by_role("button", name="Later").click()
    expect(guidelines).to_have_value(f"Typed before {ended} ended.")
    lead.get_by_role("button", name="Save the draft").click()
    sign_in_again(lead)
    expect(lead.locator(".message.success")).to_have_text("The draft is saved.")
    expect(guidelines).to_have_value(f"Typed before {ended} ended.")


def test_a_step_of_the_editor_goes_on_after_a_session_that_ended(lead, house):
    guidelines, criteria = editor(lead, house), lead.locator("#editor details.criterion")
    number = criteria.count()
    guidelines.fill("Typed before a step.")
    lead.context.clear_cookies()
    lead.locator("#c-add").click()
    sign_in_again(lead)
    expect(criteria).to_have_count(number + 1)
    expect(guidelines).to_have_value("Typed before a step.")


def test_a_decision_is_made_after_a_session_that_ended_meanwhile(browser, lead, house):
    """By its key, with the button that says which decision it was."""
    address = house.queue("decided", traces("decided", 1), overlap=2, double_share=0)
    context, other = sign_in(browser, house, "rosa")
    for page, key in ((other, "1"), (lead, "2")):
        page.goto(address)
        at(page, 1)
        keys(page, key, "Control+Enter")
        page.wait_for_url("**/finish")
    context.close()
    lead.goto(f"{house.url}/projects/{PROJECT}/adjudication")
    lead.locator("[data-row]").click()
    lead.wait_for_url("**/adjudication/*")
    item = lead.url
    lead.fill("#note", "a long note")
    lead.fill("#corrected", "a better answer")
    keys(lead, "Escape")
    lead.context.clear_cookies()
    keys(lead, "2")
    sign_in_again(lead)
    expect(lead.locator(".message.success")).to_have_text("Decided: fail.")
    lead.goto(item)
    expect(lead.locator(".timeline")).to_contain_text("a long note")


def test_a_form_that_cannot_be_sent_stays(lead, house):
    guidelines = editor(lead, house)
    guidelines.fill("Typed in a tunnel.")
    lead.context.set_offline(True)
    lead.get_by_role("button", name="Save the draft").click()
    expect(lead.locator("#toast")).to_contain_text("Your text is still here.")
    expect(guidelines).to_have_value("Typed in a tunnel.")
    lead.context.set_offline(False)
    lead.get_by_role("button", name="Save the draft").click()
    expect(lead.locator(".message.success")).to_have_text("The draft is saved.")


def test_a_link_away_from_what_was_refused_asks_first(lead, house):
    guidelines = editor(lead, house)
    guidelines.fill("Refused.")
    # Without what it was opened with, what differs is asked.
    lead.evaluate("document.querySelector('[name=edit]').value = 9999")
    lead.evaluate("document.querySelector('[name=opened]').value = ''")
    lead.get_by_role("button", name="Save the draft").click()
    expect(lead.locator(".message.error")).to_be_visible()
    asked = []
    lead.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    # Chromium asks for nobody who has not touched the page.
    lead.locator("#editor h2").first.click()
    lead.locator("#editor").get_by_role("link", name="Back").click()
    expect(guidelines).to_have_value("Refused.")
    assert asked == ["beforeunload"]


def test_a_link_away_from_what_is_typed_asks_first(lead, house):
    guidelines = editor(lead, house)
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    lead.on("dialog", stay)
    guidelines.press_sequentially("Typed. ")
    lead.locator("#editor").get_by_role("link", name="Back").click()
    expect(guidelines).to_be_visible()
    assert asked == ["beforeunload"]
    assert "Typed. " in guidelines.input_value()
