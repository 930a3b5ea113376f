"""Makes the pictures in docs/img from the demo project, in a real browser: `python docs/screenshots.py`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import Server, serving  # noqa: E402

IMAGES = ROOT / "docs" / "img"
SIZE = {"width": 1280, "height": 800}
LIST = "/projects/support-assistant/traces"


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with serving() as server, sync_playwright() as playwright:
        server.manage("demo", "--url", server.url)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, base_url=server.url)
        sign_in(page, server)
        page.goto(LIST)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "traces.png")
        # A trace of which the judge and the user think little shows most of the page.
        page.goto(f"{LIST}?feedback=thumbs_down&score=answer_quality::0.5&q=you")
        page.locator(f"a[href*='{LIST}/']").first.click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "trace.png")
        page.goto("/projects/support-assistant/queues/review/review")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "review.png")
        page.goto("/projects/support-assistant/judges/answer-quality")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "calibration.png")
        browser.close()


def sign_in(page: Page, server: Server) -> None:
    keys = json.loads((server.data_dir / "demo.json").read_text())
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "hanna")
    page.fill("input[name=password]", keys["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/**")


if __name__ == "__main__":
    main()
