"""The pages of access in a real browser: signing in, keys, dialogs, themes, a phone, and axe is silent."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = pytest.mark.browser

PASSWORD = "only-in-the-browser-tests"
PAGES = [
    "/",
    "/projects/shop/members",
    "/projects/shop/members?q=nobody",
    "/projects/shop/tokens",
    "/projects/shop/audit",
    "/projects/shop/settings",
    "/projects/shop/routing",
    "/projects/shop/routing/new?queue=review",
    "/projects/shop/rates",
    "/projects/shop/rates/stratum?stratum=refund",
    "/projects/shop/",
    "/account",
    "/accounts/2fa/",
    "/accounts/password/change/",
    "/nowhere",
]


@pytest.fixture(scope="module")
def shop(server):
    """The server, which other tests may share, with a project of these tests."""
    server.manage_each(
        ["create_project", "shop"],
        ["create_user", "ada", "--project", "shop", "--role", "admin", "--password", PASSWORD],
    )
    return server


@pytest.fixture(scope="module")
def state(shop, browser):
    """The cookies of a browser in which ada signed in through the page."""
    context = browser.new_context(base_url=shop.url)
    page = context.new_page()
    page.goto("/projects/shop/members")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Members", exact=True)).to_be_visible()
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def ada(shop, state, browser):
    context = browser.new_context(base_url=shop.url, storage_state=state, reduced_motion="reduce")
    yield watched(context.new_page())
    context.close()


def watched(page: Page) -> Page:
    """A page whose script errors and policy violations fail the test that sees them."""
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: note(page, said))
    return page


def note(page, said):
    if said.type == "error" and "Failed to load resource" not in said.text:
        page.troubles.append(said.text)


def faults(page):
    settle(page)
    found = Axe().run(page).response["violations"]
    return [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_pages_are_accessible_and_fit(ada, scheme, width):
    ada.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    ada.set_viewport_size({"width": width, "height": 900 if width > 390 else 844})
    for address in PAGES:
        ada.goto(address)
        assert faults(ada) == [], address
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert ada.evaluate(beyond) <= 0, address
    assert ada.troubles == []


def test_the_sign_in_page_is_accessible(shop, browser):
    page = browser.new_page(base_url=shop.url)
    page.goto("/accounts/login/")
    assert faults(page) == []
    page.close()


def test_keys_search_add_and_help_but_never_while_typing(ada):
    ada.goto("/projects/shop/members")
    ada.keyboard.press("?")
    expect(ada.get_by_role("dialog", name="Keys")).to_be_visible()
    ada.keyboard.press("Escape")
    ada.keyboard.press("/")
    ada.keyboard.type("jn?/")
    expect(ada.get_by_label("Search members")).to_have_value("jn?/")
    expect(ada.get_by_role("dialog", name="Keys")).to_be_hidden()
    ada.keyboard.press("Escape")
    ada.keyboard.press("n")
    expect(ada.get_by_role("textbox", name="Username")).to_be_focused()
    ada.goto("/projects/shop/tokens")
    ada.keyboard.press("n")
    expect(ada.get_by_role("textbox", name="Name")).to_be_focused()


def test_a_token_is_issued_copied_and_revoked(ada):
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.goto("/projects/shop/tokens")
    ada.get_by_role("textbox", name="Name").fill("laptop")
    ada.get_by_role("checkbox", name="ingest", exact=False).first.check()
    ada.get_by_role("button", name="Issue", exact=True).click()
    text = ada.locator("#token").inner_text()
    # The script that copies comes after the text.
    ada.wait_for_load_state()
    ada.get_by_role("button", name="Copy").click()
    expect(ada.locator("#toast")).to_have_text("Copied")
    assert ada.evaluate("navigator.clipboard.readText()") == text
    ada.goto("/projects/shop/tokens")
    ada.get_by_role("button", name="Revoke laptop").click()
    assert faults(ada) == []
    ada.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(ada.get_by_role("status").first).to_contain_text("laptop is revoked")
    assert ada.troubles == []


def test_a_member_is_added_and_gets_another_role_in_a_dialog(ada):
    ada.goto("/projects/shop/members")
    ada.get_by_label("Username").fill("rita")
    ada.get_by_role("button", name="Add", exact=True).click()
    expect(ada.get_by_role("status").first).to_contain_text("rita now has the role reviewer")
    assert faults(ada) == []
    ada.get_by_role("button", name="Change rita").click()
    dialog = ada.get_by_role("dialog", name="Change rita")
    assert faults(ada) == []
    dialog.get_by_role("radio", name="Lead").check()
    dialog.get_by_role("button", name="Save").click()
    expect(ada.get_by_role("row", name="rita")).to_contain_text("Lead")


def test_a_chosen_theme_stays(ada):
    ada.emulate_media(color_scheme="light")
    ada.goto("/account")
    ada.get_by_role("button", name="your menu").click()
    ada.get_by_role("button", name="Dark").click()
    expect(ada.locator("html")).to_have_css("background-color", "rgb(18, 17, 16)")
    ada.goto("/projects/shop/members")
    expect(ada.locator("html")).to_have_css("background-color", "rgb(18, 17, 16)")
    ada.get_by_role("button", name="your menu").click()
    ada.get_by_role("button", name="System").click()
    expect(ada.locator("html")).to_have_css("background-color", "rgb(250, 249, 247)")
