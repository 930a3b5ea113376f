"""The one-file client against the real server: pull, check, gate, every exit code, and many at once."""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "evaluation" / "golden" / "client" / "touchstone.py"
N = 40
CASES = [
    {"id": f"c{n:02d}", "input": f"{n} + 1?", "critical": n == 0, "note": "adds one" if n == 7 else "",
     "assertions": [{"type": "numeric", "value": n + 1}]}
    for n in range(N)
]  # fmt: skip
# Answers right, but for the cases named in WRONG.
PROGRAM = """
import json, os, sys
case = json.load(sys.stdin)
number = int(case["input"]["messages"][0]["content"].split()[0])
print(number + (9 if case["id"] in os.environ.get("WRONG", "").split() else 1))
"""


def ask(server, token, path, body=None, **headers):
    request = urllib.request.Request(server.url + path, body, {"Authorization": f"Bearer {token}", **headers})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def golden(server):
    """A published dataset on the real server, and a token for all of it."""
    _, said = server.manage_each(["create_project", "ci"], ["create_token", "ci", "ci", "--scope", "admin"])
    token = said.split()[-1]
    lines = "".join(json.dumps(case) + "\n" for case in CASES).encode()
    ask(server, token, "/api/v1/golden/sums/cases", lines, **{"Content-Type": "application/x-ndjson"})
    ask(server, token, "/api/v1/golden/sums/versions", b"")
    return token


@pytest.fixture
def client(server, golden, tmp_path):
    """`client(*arguments)` runs touchstone.py in a directory of its own."""
    (tmp_path / "answer.py").write_text(PROGRAM)

    # CLIENT_PYTHON: all of this file's runs by another interpreter.
    usual = os.environ.get("CLIENT_PYTHON", sys.executable)

    def run(*arguments, python=usual, **environment):
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "CI_", "GIT_"))
        }
        env |= {
            "TOUCHSTONE_URL": server.url,
            "TOUCHSTONE_TOKEN": golden,
            "PYTHONWARNINGS": "error",
        } | environment
        return subprocess.run(
            [python, str(CLIENT), *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
        )

    run.here = tmp_path
    return run


ANSWER = f"{sys.executable} answer.py"


def test_the_whole_way_from_pull_to_a_verdict(client, server, golden):
    served = ask(server, golden, "/api/v1/ci/touchstone.py")[2]
    assert served == CLIENT.read_bytes()
    pulled = client("pull", "sums")
    assert pulled.returncode == 0 and "Commit it" in pulled.stdout
    lock = json.loads((client.here / "golden.lock").read_text())
    body = (client.here / "golden.jsonl").read_bytes()
    assert lock == {"name": "sums", "version": 1, "digest": f"sha256:{hashlib.sha256(body).hexdigest()}"}

    checked = client("check", "--run", ANSWER, "--trials", "3", "--run-key", "m", "--branch", "main")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    main = client("gate", "--junit", "out.xml", "--markdown", "out.md", "--run-key", "m", "--branch", "main",
                  GITHUB_STEP_SUMMARY=str(client.here / "summary.md"))  # fmt: skip
    assert main.returncode == 0 and "Golden gate: PASS" in main.stdout
    assert ElementTree.parse(client.here / "out.xml").getroot().get("failures") == "0"
    assert (
        "Golden gate: pass"
        in (client.here / "out.md").read_text()
        == (client.here / "summary.md").read_text()[:-1]
    )

    wrong = "c00 c07 c08 c09 c10 c11"
    broken = client("check", "--run", ANSWER, "--run-key", "p", "--branch", "pr", WRONG=wrong)
    assert broken.returncode == 1
    assert (
        "FAIL c07" in broken.stdout and "- expected 8" in broken.stdout and "+ actual   16" in broken.stdout
    )
    assert "note      adds one" in broken.stdout and "check golden.jsonl --case c07 --run" in broken.stdout
    asked = client("gate", "--run-key", "p", "--branch", "pr", "--baseline", "main")
    assert asked.returncode == 2 and "Repeat 6 cases" in asked.stdout
    verdict = client(
        "gate", "--run-key", "p", "--branch", "pr", "--baseline", "main", "--run", ANSWER, WRONG=wrong
    )
    assert verdict.returncode == 1 and "Golden gate: FAIL" in verdict.stdout, verdict.stdout + verdict.stderr
    assert "FAIL c07" in verdict.stdout and "adds one" in verdict.stdout


def test_a_red_gate_says_what_check_says_of_a_case(client):
    """The case, what was expected beside what came, the note, and the command that repeats it."""
    client("pull", "sums")
    rows = [{"id": f"c{n:02d}", "output": str(n + (9 if n < 20 else 1))} for n in range(N)]
    (client.here / "outs put.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    client("check", "--outputs", "outs put.jsonl", "--run-key", "red", "--branch", "pr")
    said = client("gate")
    assert said.returncode == 1
    told = said.stdout[said.stdout.index("FAIL c07") :].partition("\n\n")[0]
    assert "- expected 8" in told and "+ actual   16" in told and "note      adds one" in told
    assert told.endswith("check golden.jsonl --case c07 --outputs 'outs put.jsonl'")
    repeated = client(*shlex.split(told.partition("repeat")[2])[2:])
    assert repeated.returncode == 1 and "FAIL c07" in repeated.stdout


def test_a_critical_case_that_answers_alike_each_time_is_asked_five_times(client):
    """The rounds' outputs are equal, and still two uploads."""
    client("pull", "sums")
    client("check", "--run", ANSWER, "--trials", "3")
    client("gate", "--run-key", "critical-base", "--branch", "critical-main")
    client("check", "--run", ANSWER, WRONG="c00")
    gate = ("gate", "--run-key", "critical", "--branch", "pr", "--baseline", "critical-main")
    verdict = client(*gate, "--run", ANSWER, WRONG="c00")
    assert verdict.returncode == 1 and "critical case" in verdict.stdout, verdict.stdout + verdict.stderr


def test_more_than_one_request_holds_goes_in_parts_of_one_run(client, server, golden):
    """12 MB of outputs, and one of 9 MB alone: the server takes 8 MiB at once."""
    client("pull", "sums")
    outputs = [(case["id"], str(n) * 60_000) for case in CASES for n in range(5)]
    outputs[7] = (outputs[7][0], "long " * 1_800_000)
    rows = [{"case_id": case_id, "status": "pass", "output": output} for case_id, output in outputs]
    (client.here / "results.json").write_text(json.dumps({"results": rows}))
    sent = client("gate", "--branch", "parts")
    assert sent.returncode == 0 and "Sending 200 results in 3 parts" in sent.stdout, sent.stdout + sent.stderr
    run_id = sent.stdout.split("/runs/")[1].split()[0]
    again = client("push", "--branch", "parts")
    assert again.returncode == 0 and run_id in again.stdout, again.stderr
    run = json.loads(ask(server, golden, f"/api/v1/runs/{run_id}")[2])
    found = [(each["case_id"], each["trial"]) for each in run["results"]]
    assert found == [(case["id"], trial) for case in CASES for trial in range(1, 6)]


def loaded():
    """The client as a module."""
    spec = importlib.util.spec_from_file_location("touchstone_client", CLIENT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_part_that_is_still_too_large_is_halved(monkeypatch):
    """A proxy may take less than the server does; a result it does not take by itself is named."""
    module = loaded()
    taken, more = [], []

    def ask(path, body=None, headers=None):
        if len(body) > 700:
            return 413, {}, b"<html>too large</html>"
        taken.extend(each["case_id"] for each in json.loads(body)["results"])
        more.append(json.loads(body).get("more", False))
        return 201, {}, b"{}"

    monkeypatch.setattr(module, "ask", ask)
    options = argparse.Namespace(format="native")
    rows = [{"case_id": f"c{n}", "output": "x" * 100} for n in range(9)]
    module.send_results(options, {"results": rows}, 1, "sums")
    assert taken == [f"c{n}" for n in range(9)]
    assert len(more) > 2 and more == [True] * (len(more) - 1) + [False], "the last one decides"
    with pytest.raises(module.Stop, match="c9 is too large even by itself"):
        module.send_results(options, {"results": [{"case_id": "c9", "output": "x" * 900}]}, 1, "sums")


def test_the_same_results_of_another_version_are_another_upload(monkeypatch):
    """A restored version has the digest of the one it restores."""
    module = loaded()
    keys = []

    def ask(path, body=None, headers=None):
        keys.append(headers["Idempotency-Key"])
        return 201, {}, b"{}"

    monkeypatch.setattr(module, "ask", ask)
    for version, name in ((1, "sums"), (1, "sums"), (2, "sums"), (1, "others")):
        module.send_results(argparse.Namespace(format="native"), {"results": []}, version, name)
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_outputs_from_a_file_and_a_missing_one(client):
    client("pull", "sums")
    rows = [json.dumps({"id": case["id"], "output": case["assertions"][0]["value"]}) for case in CASES]
    (client.here / "outputs.jsonl").write_text("\n".join(rows))
    assert client("check", "--outputs", "outputs.jsonl").returncode == 0
    assert client("check", "--outputs", "outputs.jsonl", "--case", "c03").returncode == 0
    (client.here / "outputs.jsonl").write_text("\n".join(rows[:-1]))
    assert client("check", "--outputs", "outputs.jsonl").returncode == 2


def test_what_is_not_the_locked_version_is_refused(client):
    assert client("pull", "sums").returncode == 0
    golden, lock = client.here / "golden.jsonl", client.here / "golden.lock"
    body, locked = golden.read_bytes(), json.loads(lock.read_text())
    (client.here / "results.json").write_text(json.dumps({"results": [{"case_id": "c01", "status": "pass"}]}))
    wrong = client.here / "wrong.lock"
    wrong.write_text(json.dumps({**locked, "digest": "sha256:" + "0" * 64}))
    said = client("gate", "--lock", "wrong.lock", "--run-key", "wrong")
    assert said.returncode == 4 and "the tests ran on other bytes" in said.stdout
    golden.write_bytes(body.replace(b'"c01"', b'"c0X"'))
    assert client("check", "--run", ANSWER).returncode == 4
    lock.write_text(json.dumps({**locked, "digest": "sha256:" + "0" * 64}))
    refused = client("pull", "sums")
    assert refused.returncode == 4 and "is not what golden.lock names" in refused.stderr
    lock.write_text("{}")
    assert client("pull", "sums").returncode == 4
    lock.write_text(json.dumps({**locked, "version": 9}))
    assert client("pull", "sums@1").returncode == 4
    lock.write_text(json.dumps(locked))
    golden.unlink()
    assert client("pull", "sums", "--offline", TOUCHSTONE_URL="http://127.0.0.1:9").returncode == 0
    assert golden.read_bytes() == body
    (cached,) = (client.here / ".touchstone").iterdir()
    cached.write_bytes(b"other")
    changed = client("pull", "sums", "--offline", TOUCHSTONE_URL="http://127.0.0.1:9")
    assert changed.returncode == 4 and golden.read_bytes() == body
    assert client("pull", "sums").returncode == 0 and cached.read_bytes() == body


def test_trouble_is_not_a_verdict(client):
    for environment in (
        {"TOUCHSTONE_TOKEN": ""},
        {"TOUCHSTONE_TOKEN": "ts_x"},
        {"TOUCHSTONE_URL": "ftp://x"},
    ):
        refused = client("pull", "sums", **environment)
        assert refused.returncode == 3 and refused.stderr.startswith("touchstone: ")
    assert client("pull", "nothing").returncode == 3
    assert client("gate", "nothing.json").returncode == 3
    assert client("frobnicate").returncode == 3
    assert client("check").returncode == 3


def test_the_lock_names_one_dataset_and_offline_asks_nobody(client, server, golden):
    nowhere = {"TOUCHSTONE_URL": "http://127.0.0.1:9"}
    unlocked = client("pull", "sums", "--offline", **nowhere)
    assert unlocked.returncode == 3 and "does not lock sums" in unlocked.stderr
    client("pull", "sums")
    lock = (client.here / "golden.lock").read_text()
    other = client("pull", "others")
    assert other.returncode == 4 and "names sums version 1" in other.stderr and "--update" in other.stderr
    assert (client.here / "golden.lock").read_text() == lock


def test_errors_alone_are_not_a_failure(client):
    """What could not be run says nothing of the answers; the gate calls it inconclusive, too."""
    client("pull", "sums")
    broken = client("check", "--run", "no-such-program", "--case", "c01")
    assert broken.returncode == 2 and "ERROR c01" in broken.stdout
    program = f"{sys.executable} -c 'import sys; sys.stdout.buffer.write(bytes([2, 255, 10]))'"
    odd = client("check", "--run", program, "--case", "c01")
    assert odd.returncode == 1 and "FAIL c01" in odd.stdout, odd.stderr


def test_a_console_that_lacks_letters_changes_no_verdict(client):
    client("pull", "sums")
    program = f"{sys.executable} -c 'import sys; sys.stdout.buffer.write(bytes([226, 137, 136, 10]))'"
    told = client("check", "--run", program, "--case", "c01", PYTHONIOENCODING="ascii")
    assert told.returncode == 1 and "FAIL c01" in told.stdout, told.stderr


def test_a_repeat_gives_a_python_test_as_many_tries(monkeypatch):
    module = loaded()
    outputs = iter(["no", "no", "yes"])
    monkeypatch.setattr(module, "produce", lambda command, case: next(outputs))
    monkeypatch.setattr(module, "last_trials", lambda answer: {"a": 1})
    test = {"type": "python", "value": {"code": "assert output == 'yes'", "k": 3}}
    case = {"id": "a", "assertions": [test], "expected": None}
    monkeypatch.setattr(module, "read_cases", lambda *_: [case])
    monkeypatch.setattr(module, "send_results", lambda options, value, *_: value)
    options = argparse.Namespace(golden="", lock="", run="x", allow_code=True)
    answer = {"run_key": "k", "run_id": "r", "version": 1, "dataset": "s"}
    sent = module.repeat({**answer, "repeat": [{"case_id": "a", "trials": 1}]}, options)
    assert [(each["trial"], each["status"], each["output"]) for each in sent["results"]] == [
        (2, "pass", "yes")
    ]


def write_case(client, assertions, expected=None):
    asked = {"messages": [{"role": "user", "content": "?"}]}
    line = {"id": "a", "input": asked, "expected": expected, "split": "test",
            "assertions": assertions, "tags": [], "critical": False, "metadata": {}}  # fmt: skip
    (client.here / "golden.jsonl").write_text(json.dumps(line) + "\n")
    (client.here / "outputs.jsonl").write_text('{"id": "a", "output": "the Answer is 1,042.5 EUR"}\n')
    return client("check", "--outputs", "outputs.jsonl", "--allow-code", "--lock", "none")


@pytest.mark.parametrize(
    ("assertion", "code"),
    [
        ({"type": "exact", "value": "the Answer is 1,042.5 EUR"}, 0),
        ({"type": "exact", "value": "the answer"}, 1),
        ({"type": "contains", "value": ["Answer", "EUR"]}, 0),
        ({"type": "contains", "value": "answer"}, 1),
        ({"type": "icontains", "value": "answer"}, 0),
        ({"type": "not_contains", "value": "USD"}, 0),
        ({"type": "regex", "value": r"\d,\d{3}\.\d"}, 0),
        ({"type": "numeric", "value": 1042, "tolerance": 1}, 0),
        ({"type": "numeric", "value": 1042}, 1),
        ({"type": "numeric", "value": {"value": 1042}, "tolerance": 1}, 0),
        ({"type": "rouge_l", "value": "the answer is"}, 2),
        ({"type": "python", "value": "assert 'EUR' in output and case['id'] == 'a'"}, 0),
        ({"type": "python", "value": "assert output == ''"}, 1),
    ],
)
def test_the_client_scores_as_the_server_does(client, assertion, code):
    assert write_case(client, [assertion]).returncode == code
    from evaluation.golden.content import assertions

    try:
        check = assertions.score(assertion, "the Answer is 1,042.5 EUR")
    except assertions.Unscorable:
        return
    if code != 2:
        assert check.passed is (code == 0)


@pytest.mark.parametrize("content", ["the Answer is 1,042.5 EUR", [{"text": "the Answer is 1,042.5 EUR"}]])
def test_an_expected_conversation_is_its_last_message(client, content):
    expected = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": content}]}
    assert write_case(client, [], expected).returncode == 0
    from evaluation.golden.content.lines import expected_text

    assert expected_text(expected) == "the Answer is 1,042.5 EUR"


def test_python_tests_are_not_run_unasked(client):
    write_case(client, [{"type": "python", "value": "assert True"}])
    assert client("check", "--outputs", "outputs.jsonl", "--lock", "none").returncode == 2


def interpreters():
    found = [shutil.which(f"python3.{minor}") for minor in range(9, 14)]
    found += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))]
    return sorted({path for path in found if path and not re.search(r"shims|/3\.[678]\.", path)})


@pytest.mark.parametrize("python", interpreters() or [sys.executable])
def test_it_runs_on_every_python_that_is_here(client, python):
    if subprocess.run([python, "-c", "import urllib.request"], capture_output=True).returncode:
        pytest.skip("this Python is not usable")
    assert client("pull", "sums", python=python).returncode == 0
    checked = client("check", "--run", ANSWER, "--case", "c01", python=python)
    assert checked.returncode == 0, checked.stderr


def test_a_hundred_downloads_at_once_have_one_digest(server, golden):
    text = "long " * 200
    lines = "".join(
        json.dumps({"id": f"L{n:04d}", "input": text, "expected": text}) + "\n" for n in range(700)
    )
    ask(
        server,
        golden,
        "/api/v1/golden/long/cases",
        lines.encode(),
        **{"Content-Type": "application/x-ndjson"},
    )
    ask(server, golden, "/api/v1/golden/long/versions", b"")

    def download(_):
        while True:
            try:
                _, headers, body = ask(server, golden, "/api/v1/golden/long/versions/1")
                return hashlib.sha256(body).hexdigest(), headers["X-Golden-Digest"]
            except urllib.error.HTTPError as refusal:
                assert refusal.code == 503
                refusal.close()

    with ThreadPoolExecutor(100) as threads:
        found = set(threads.map(download, range(100)))
    ((digest, named),) = found
    assert named == f"sha256:{digest}"
