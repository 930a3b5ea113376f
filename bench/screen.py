"""How long does a reviewer wait from the submit to the next item, in a real browser?"""

from __future__ import annotations

import json
import shutil
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.figures import Figure, median, percentile
from bench.installation import PASSWORD, SLUG, USER, Installation, installed

MOST_MS = 100
READING_MS = 500
ITEMS = 110

# From the key until the frame that shows another item is painted, which is before the next timer runs.
WATCH = """
    window.felt = [];
    document.addEventListener("keydown", (event) => {
        if (!event.ctrlKey || event.key !== "Enter") return;
        const began = performance.now();
        const before = document.querySelector("form#rubric").dataset.whose;
        const look = () => {
            const form = document.querySelector("form#rubric");
            if (!form || form.dataset.whose === before) return requestAnimationFrame(look);
            setTimeout(() => window.felt.push(performance.now() - began));
        };
        requestAnimationFrame(look);
    }, true);
"""


def measure(rounds: int, *, items: int = ITEMS) -> list[Figure]:
    with installed() as place:
        address = fill(place, items + 1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            felt = walk(page, address, items)
            browser.close()
    note = f"{items} items, {READING_MS} ms of reading before each"
    return [
        Figure("submit to next item, felt, p95", percentile(felt, 0.95), "ms", "<=", MOST_MS, note),
        Figure("  median", median(felt), "ms"),
    ]  # fmt: skip


def walk(page: Page, address: str, items: int) -> list[float]:
    page.add_init_script(WATCH)
    page.goto(address)
    page.fill("[name=login]", USER)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("form#rubric")
    felt: list[float] = []
    for number in range(items):
        page.wait_for_timeout(READING_MS)
        page.keyboard.press("1" if number % 3 else "2")
        page.keyboard.press("Control+Enter")
        # The finish of a sitting is a page of its own; what is timed goes on behind it.
        page.wait_for_function("() => window.felt.length > 0 || location.pathname.endsWith('/finish')")
        if page.url.endswith("/finish"):
            page.keyboard.press("Enter")
            page.wait_for_selector("form#rubric")
            continue
        felt.append(page.evaluate("window.felt.pop()"))
    return felt


def fill(place: Installation, number: int) -> str:
    """A queue of traces with passages, a tool and spans; the address of its review."""
    token = place.server.manage("create_token", SLUG, "screen", "--scope", "admin").split()[-1]

    def call(path: str, body: Any) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        url = f"{place.server.url}/api/v1/{path}"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30)

    traces = [trace(each) for each in range(number)]
    call("traces", traces)
    call("queues", {"slug": "screen", "name": "Screen"})
    call("queues/screen/items", {"trace_ids": [each["id"] for each in traces]})
    return f"{place.server.url}/projects/{SLUG}/queues/screen/review"


def trace(number: int) -> dict[str, Any]:
    started = datetime.now(UTC) - timedelta(minutes=number)
    words = f"The return window of order {number} is thirty days from delivery, and refunds take five days. "
    return {
        "id": f"screen-{number}",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(seconds=2)).isoformat(),
        "input": {
            "messages": [
                {"role": "system", "content": words * 6},
                {"role": "user", "content": f"Question {number}: may I still send it back?"},
                {"role": "assistant", "content": "", "tool_calls": [{"name": "get_order", "arguments": {}}]},
                {"role": "tool", "content": json.dumps({"item": "jacket", "paid": 129, "number": number})},
            ]
        },
        "output": f"Yes. **{words}**\n\n- by card\n- or as a voucher\n\n{words * 2}",
        "context": [{"id": f"passage {each}", "text": words * 3} for each in range(4)],
        "spans": [
            {"span_id": f"{number}-{each}", "name": f"step {each}", "started_at": started.isoformat()}
            for each in range(8)
        ],
    }  # fmt: skip
