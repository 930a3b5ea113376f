"""Tools as they are today read what a running server serves, run over it, and upload their own result files.

Not part of `make test`: it installs packages. Run it with `make interop`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.environments import Exporter
from tests import servers

READERS = Path(__file__).resolve().parent / "readers"
WRONG = "wrong"
# What a tool could take for a template, a file, a formula, a number, markup or an end of line.
TEXTS = (
    "plain answer",
    "{{ 7 * 7 }} and {% raw %}x{% endraw %} {# c #}",
    "file:///etc/passwd",
    '=HYPERLINK("http://x")',
    "Zwölf Boxkämpfer \u2028 jagen\nüber “Eva” 'x' \\n \U0001f600",
    "- a: b\n  # not a comment",
    'a,b;"c"\td',
    "true",
    "007",
    WRONG,
)
PANDAS = ("pandas", "polars", "pyarrow", "fsspec", "aiohttp")
TOOLS = (
    Exporter("tables", "tables.py", PANDAS, folder=READERS),
    Exporter("hugging-face", "hugging_face.py", ("datasets", "aiohttp", "requests"), folder=READERS),
    Exporter("inspect", "inspect_task.py", ("inspect_ai",), folder=READERS),
    Exporter("deepeval", "deepeval_run.py", ("deepeval",), folder=READERS),
    Exporter("pytest", "pytest_run.py", ("pytest",), folder=READERS),
    Exporter("promptfoo", "promptfoo.mjs", ("promptfoo",), folder=READERS),
)
QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


@pytest.fixture(scope="module")
def golden() -> Iterator[dict[str, str]]:
    """A published version of the texts on a running server, and where and how to read it."""
    with servers.serving() as server:
        server.manage("create_project", "ci")
        token = server.manage("create_token", "ci", "ci", "--scope", "admin").split()[-1]
        place = {"URL": server.url, "TOKEN": token, "DATASET": "tools", "WRONG": WRONG}
        cases = [
            {"id": f"LF-{n:04}", "input": f"Say: {text}", "expected": text, "tags": ["a", "b"],
             "assertions": [{"type": "exact", "value": text}], "critical": n == 0}
            for n, text in enumerate(TEXTS)
        ]  # fmt: skip
        post(place, "cases", "".join(json.dumps(case) + "\n" for case in cases).encode())
        post(place, "versions", b"")
        yield place


def post(place: dict[str, str], path: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {place['TOKEN']}", "Content-Type": "application/x-ndjson"}
    address = f"{place['URL']}/api/v1/golden/{place['DATASET']}/{path}"
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30):
        pass


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_reads_runs_and_reports(golden: dict[str, str], tool: Exporter, tmp_path: Path) -> None:
    if missing := tool.missing():
        pytest.skip(missing)
    tool.prepare()
    home = {"HF_HOME": str(tmp_path / "hf"), "PROMPTFOO_CONFIG_DIR": str(tmp_path / "promptfoo")}
    more = {"HERE": str(READERS), "PYTHONPATH": str(READERS), "DEEPEVAL_RESULTS_FOLDER": "results"}
    tool.run({**os.environ, **QUIET, **home, **more, **golden}, at=tmp_path)


def test_curl_alone(golden: dict[str, str], tmp_path: Path) -> None:
    """The recipe of docs/ci.md: fetch, not again when unchanged, a part by range, a run posted back."""
    if shutil.which("curl") is None:
        pytest.skip("curl not found")
    version = f"{golden['URL']}/api/v1/golden/{golden['DATASET']}/versions/1"

    def curl(*arguments: str) -> str:
        command = ["curl", "-fsS", "-H", f"Authorization: Bearer {golden['TOKEN']}", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    # curl names no ETag file before it has one.
    keep = ("--etag-save", "etag", "-o", "golden.jsonl", "-w", "%{http_code}", version)
    assert curl(*keep) == "200"
    assert curl("--etag-compare", "etag", *keep) == "304"
    lines = (tmp_path / "golden.jsonl").read_bytes()
    curl("-r", "10-19", "-o", "part", version)
    assert (tmp_path / "part").read_bytes() == lines[10:20]
    cases = [json.loads(line) for line in lines.decode().split("\n")[:-1]]
    results = [{"case_id": case["id"], "output": case["expected"]["text"]} for case in cases]
    (tmp_path / "results.json").write_text(json.dumps({"run_key": "curl", "results": results}))
    told = json.loads(curl("-H", "Content-Type: application/json", "-d", "@results.json", f"{version}/runs"))
    assert told["pass_rate"] == 1 and told["coverage"]["complete"]
