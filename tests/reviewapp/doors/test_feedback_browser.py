"""The example of docs/feedback.md, as it stands there, sends feedback from a page of another origin."""

from __future__ import annotations

import json
import re
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = [pytest.mark.browser, pytest.mark.server]

DOCUMENT = Path(__file__).parents[3] / "docs" / "feedback.md"
PASSWORD = "only-in-the-browser-tests"


def example() -> str:
    [code] = re.findall(r"```javascript\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return code


def test_the_example_is_short():
    assert len(example().strip().splitlines()) <= 24


def test_the_recipe_of_the_document_signs_as_the_server_checks():
    from ingest.feedback_door import links

    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    made: dict = {}
    exec(code, made)
    assert links.is_valid(made["sign"]("k" * 64, "t"), "k" * 64, "t")


class Shop(ThreadingHTTPServer):
    """A page of another origin with the document's script."""

    script = ""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        is_script = self.path == "/feedback.js"
        body = self.server.script if is_script else "<!doctype html><title>Shop</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def shop():
    server = Shop()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def made_tokens(server, *scopes):
    """A token for each of these lists of scopes."""
    made = (["create_token", "door", "test", *(f"--scope={scope}" for scope in each)] for each in scopes)
    return [re.search(r"ts_[0-9a-f]{16}_[0-9a-f]{64}", said)[0] for said in server.manage_each(*made)]


def ask(server, path, text, body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(server.url + path, data, headers)) as answer:
        return json.load(answer)


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def door(server):
    server.manage_each(
        ["create_project", "door"],
        ["create_user", "dora", "--project", "door", "--role", "admin", "--password", PASSWORD],
    )
    return server


def allow(page: Page, server, origin: str) -> None:
    """As an admin does it."""
    page.goto(f"{server.url}/projects/door/feedback-settings")
    if "/accounts/login" in page.url:
        page.get_by_label("Username").fill("dora")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Pages that may send feedback").fill(origin)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


SEND = """async ([trace, value]) => {
  const { sendFeedback } = await import("/feedback.js");
  try { return await sendFeedback(trace, value, { comment: "no", user: "u" }); }
  catch (error) { return String(error); }
}"""


def test_the_example_sends_from_another_origin(door, shop, page, browser):
    own, key = made_tokens(door, ["ingest", "traces:read"], ["feedback"])
    ask(door, "/api/v1/traces", own, {"id": "t-1", "input": "hi", "output": "ho"})
    shop.script = example().replace("https://touchstone.example.org", door.url).replace("ts_…", key)
    page.goto(shop.url)
    assert "TypeError" in page.evaluate(SEND, ["t-1", "down"]), "the browser let an unlisted origin through"
    admin = browser.new_context()
    allow(admin.new_page(), door, shop.url)
    admin.close()
    page.goto(f"{shop.url}/again")
    assert page.evaluate(SEND, ["t-1", "down"])["accepted"] == 1
    assert "not a trace of this project" in page.evaluate(SEND, ["t-2", "down"])
    [row] = ask(door, "/api/v1/traces/t-1", own)["feedback"]
    assert (row["value"], row["comment"], row["user"], row["signed"]) == ("down", "no", "u", False)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_pages_are_accessible_and_fit(door, page, scheme, width):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900 if width > 390 else 844})
    allow(page, door, "https://shop.example.org")
    for address in ("feedback-settings", "redaction"):
        page.goto(f"{door.url}/projects/door/{address}")
        settle(page)
        found = Axe().run(page).response["violations"]
        assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found] == []
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(beyond) <= 0, address
    page.keyboard.press("n")
    page.get_by_label("A text").fill("key sk-proj-abcdefghijklmnopqrstuvwx and more")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("pre.code")).to_contain_text("key [SECRET:")
