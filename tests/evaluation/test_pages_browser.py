"""Every page that a lead reaches by links, full of hostile text: nothing runs or loads, axe finds nothing.

What stands in them goes in through the HTTP endpoints and commands of the running server.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
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
PASSWORD = "a long enough passphrase"
PROJECT = "crawled"
PATIENCE = 60_000
WIDE_SCREEN, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Pages that everything of a kind looks like; the others are seen once.
TWICE = {"trace", "golden_case", "golden_candidate", "judge", "run"}
# Reached by links, and none of a lead's pages.
LEFT_OUT = {"account_logout", "download_golden", "run_report", "judge_pairs", "judge_certificate"}
LEFT_OUT |= {"export_traces", "trace_json"}


# For whoever mends it: the innermost elements that are too wide; those with text that cannot be seen, but for
# the fields in which it is edited.
WIDE = """[...document.querySelectorAll("body *")].filter(each => each.getBoundingClientRect().right > 391
    && ![...each.children].some(child => child.getBoundingClientRect().right > 391)
    && !each.closest(".table-scroll")).slice(0, 4).map(each => each.outerHTML.slice(0, 120))"""
HOLD_UNSEEN = """unseen => [...document.querySelectorAll("body *:not(textarea, input)")].filter(
    each => [...each.childNodes].some(node => node.nodeType === 3 && [...node.data].some(
        c => unseen.includes(c)))
    || [...each.attributes].some(a => [...a.value].some(c => unseen.includes(c))))
    .slice(0, 4).map(each => each.outerHTML.slice(0, 160))"""


class House:
    """A project on the running server, with two reviewers, who may disagree."""

    def __init__(self, server) -> None:
        self.server, self.url = server, server.url
        people = (("gerda", "admin"), ("ronja", "reviewer"), ("rune", "reviewer"))
        said = server.manage_each(
            ["create_project", PROJECT],
            *(
                ["create_user", name, "--project", PROJECT, "--role", role, "--password", PASSWORD]
                for name, role in people
            ),
            ["create_token", PROJECT, "crawl", "--scope", "admin", "--scope", "impersonate"],
        )
        self.token = said[-1].split()[-1]

    def call(self, path: str, body=None, content_type: str = "application/json"):
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content-Type": content_type, "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", sent, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{path}: {refusal.read().decode()}") from None

    def label(self, reviewer: str, verdict: str, text: str) -> None:
        claimed = self.call("queues/doubled/claim", {"as_reviewer": reviewer})
        said = {
            "as_reviewer": reviewer,
            "lease_token": claimed["lease"]["token"],
            "verdict": verdict,
            "note": text,
            "corrected_output": text if verdict == "fail" else "",
        }
        self.call(f"items/{claimed['item']['id']}/label", said)
        self.labelled = claimed["item"]["id"]


@pytest.fixture(scope="module")
def house(server) -> House:
    return House(server)


@pytest.fixture(scope="module")
def filled(house, listener, tmp_path_factory) -> House:  # noqa: F811
    """Hostile text wherever text is taken."""
    texts = payloads(listener.url)
    everything = " ".join(texts)
    traces = [hostile_trace(number, text) for number, text in enumerate(texts[:12], 1)]
    for number, trace in enumerate(traces):
        trace["id"] = f"hostile-{number}"
    house.call("traces", traces)
    criterion = {
        "key": "c",
        "title": texts[1][:200],
        "help": texts[2],
        "type": "choice",
        "options": [{"value": "v", "label": texts[3], "help": texts[4]}, {"value": "w", "label": "w"}],
    }
    rubric = {
        "name": everything[:120],
        "guidelines": everything,
        "failure_modes": [{"key": "m", "label": texts[0], "help": texts[0], "group": texts[0][:60]}],
        "criteria": [criterion],
    }
    house.call("rubrics/hostile/versions", rubric)
    house.call("rubrics/hostile/versions", {**rubric, "guidelines": texts[9], "changelog": texts[8]})
    house.call("queues", {"slug": "doubled", "name": texts[0][:100], "overlap": 2, "rubric": "hostile",
                          "description": everything})  # fmt: skip
    house.call("queues/doubled/items", {"trace_ids": [trace["id"] for trace in traces[:6]]})
    for verdicts in (("fail", "fail"), ("fail", "pass"), ("fail", "fail")):
        for reviewer, verdict in zip(("ronja", "rune"), verdicts, strict=True):
            house.label(reviewer, verdict, everything)
    golden(house, texts)
    judged(house, texts, tmp_path_factory.mktemp("import") / "labels.jsonl")
    house.call("changes", {"kind": "deploy", "value": texts[0][:100], "words": texts[1][:300]})
    return house


def golden(house: House, texts: list[str]) -> None:
    cases = [
        {
            "id": f"case-{number}",
            "input": {"messages": [{"role": "user", "content": text}]},
            "expected": {"text": text},
            "assertions": [{"type": "contains", "value": text}],
            "tags": [text[:60]],
            "note": text,
        }
        for number, text in enumerate(texts[:8])
    ]
    lines = "".join(f"{json.dumps(case)}\n" for case in cases).encode()
    house.call("golden/support/cases", lines, "application/x-ndjson")
    house.call("golden/support/versions", {"changelog": texts[0]})
    house.call("golden/support/cases", lines.replace(b"case-7", b"case-8"), "application/x-ndjson")
    house.call("golden/support/versions", {"changelog": texts[1]})
    results = [
        {"case_id": case["id"], "status": "fail", "output": case["note"], "reason": case["note"]}
        for case in cases
    ]
    for number in (1, 2):
        run = {"run_key": f"{texts[number][:60]}", "commit": texts[0][:60], "branch": texts[number][:60],
               "system": {"model": texts[2], "prompt_version": texts[3]}, "results": results}  # fmt: skip
        house.call("golden/support/versions/1/runs", run)


def judged(house: House, texts: list[str], file: Path) -> None:
    """Labels and verdicts made elsewhere, some of them against each other."""
    lines = [
        {
            "id": f"imported-{number}",
            "input": text,
            "output": text,
            "pi": 0.5,
            "slice": {"model": text[:60], "route": text[:60]},
            "labels": [{"annotator": text[:60], "verdict": "fail" if number % 3 else "pass", "note": text}],
            "judges": [{"judge": "nova", "version": texts[0][:40], "model": texts[1][:60],
                        "verdict": "fail" if number % 4 else "pass", "score": 0.5}],
        }
        for number, text in enumerate(texts)
    ]  # fmt: skip
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    house.server.manage("import_labels", str(file), "--project", PROJECT)


@pytest.fixture(scope="module")
def state(browser: Browser, house: House) -> dict:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{house.url}/projects/{PROJECT}/queues")
    page.fill("input[name=login]", "gerda")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    kept = context.storage_state()
    context.close()
    return kept


class Crawl:
    """The addresses still to see and how often each route has been."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.seen: dict[str, list[str]] = {}
        self.waiting = [f"/projects/{PROJECT}/queues", f"/projects/{PROJECT}/adjudication"]

    def __iter__(self):
        while self.waiting:
            path = self.waiting.pop(0)
            if route := self.route(path):
                self.seen.setdefault(route, []).append(path)
                yield path

    def route(self, path: str) -> str:
        """Empty for what need not be seen (again)."""
        try:
            name = resolve(urlsplit(path).path).url_name or ""
        except Resolver404:
            raise AssertionError(f"a link leads nowhere: {path}") from None
        seen = self.seen.get(name, [])
        most = 2 if name in TWICE else 1
        return "" if name in LEFT_OUT or path in seen or len(seen) >= most else name

    def follow(self, page: Page) -> None:
        found = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
        for link in (urljoin(page.url, each) for each in found):
            if link.startswith(f"{self.home}/projects/{PROJECT}/"):
                self.waiting.append(link.removeprefix(self.home).partition("#")[0])


def propose(page: Page, house: House) -> None:
    """The failure that two reviewers confirmed, by the one key of a lead's screen."""
    page.goto(f"{house.url}/projects/{PROJECT}/adjudication/{house.labelled}")
    # Where this is tried once more, it has been proposed.
    page.wait_for_selector("[data-key=g], #golden-effect a")
    settle(page)
    if page.locator("#golden-effect a").count() == 0:
        page.keyboard.press("g")
        page.wait_for_selector("#golden-effect a")


def test_every_page_of_a_lead(browser, filled, state, listener):  # noqa: F811
    context = browser.new_context(storage_state=state, reduced_motion="reduce", viewport=WIDE_SCREEN)
    page = context.new_page()
    watch = Watch(page, filled.url)
    propose(page, filled)
    crawl = Crawl(filled.url)
    faults = []
    for path in crawl:
        answer = page.goto(filled.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        settle(page)
        crawl.follow(page)
        if not answer or answer.status != 200:
            faults.append(f"{path}: {answer and answer.status}")
        if held := page.evaluate(HOLD_UNSEEN, UNSEEN):
            faults.append(f"{path}: unseen characters: {held}")
        found = Axe().run(page)
        if found.violations_count:
            faults.append(f"{path}\n{found.generate_report()}")
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = false)")
        page.set_viewport_size(PHONE)
        settle(page)
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            faults.append(f"{path}: wider than a phone: {page.evaluate(WIDE)}")
        page.set_viewport_size(WIDE_SCREEN)
    context.close()
    assert not faults, "\n".join(faults)
    assert watch.strange == []
    assert listener.heard == []
    reached = set(crawl.seen)
    assert reached >= EXPECTED, EXPECTED - reached


def test_a_disagreement_is_named_and_read_by_keyboard_alone(browser, filled, state):
    context = browser.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{filled.url}/projects/{PROJECT}/judges/nova")
    settle(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = page.locator("#disagreements [data-row]").nth(1)
    expect(chosen).to_be_focused()
    page.keyboard.press("1")
    expect(page.locator("#disagreements .cause").nth(1)).to_have_text("Judge wrong", timeout=PATIENCE)
    expect(chosen).to_be_focused()
    leads_to = chosen.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(filled.url + leads_to, timeout=PATIENCE)
    context.close()


EXPECTED = {
    "adjudication", "decide", "edit_rubric", "golden", "golden_candidate", "golden_candidates", "golden_case",
    "golden_cases", "golden_dataset", "golden_health", "golden_version", "human_agreement", "judge", "judges",
    "new_queue", "queues", "rates", "reviewers", "routing", "rubric", "rubric_diff", "rubrics", "run", "runs",
    "trace", "traces", "changes",
}  # fmt: skip
