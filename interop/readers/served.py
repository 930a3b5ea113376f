"""What every reader needs: where the version is, what stands in it, and how a result goes back.

Standard library only: it runs in each tool's own environment.
"""

import json
import os
import urllib.error
import urllib.request

URL, TOKEN, DATASET = os.environ["URL"], os.environ["TOKEN"], os.environ["DATASET"]
VERSION = f"{URL}/api/v1/golden/{DATASET}/versions/1"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
WRONG = os.environ["WRONG"]


def ask(address, body=None, **headers):
    request = urllib.request.Request(address, body, {**HEADERS, **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{address}: {error.code} {error.read()[:500]}") from None


def cases():
    """The canonical lines, by id."""
    lines = ask(VERSION).decode().split("\n")[:-1]
    return {case["id"]: case for case in map(json.loads, lines)}


def save(name):
    with open(name, "wb") as file:
        file.write(ask(f"{VERSION}/{name}"))
    return name


def asked(case):
    return case["input"]["messages"][0]["content"]


def expected(case):
    return case["expected"]["text"]


def answer(question):
    """The system under test: it says what it is told to say, but for one case."""
    said = question.removeprefix("Say: ")
    return "something else" if said == WRONG else said


def upload(file, format, kind="application/json"):
    """The tool's own result file; what the gate makes of it has to be just the one wrong case."""
    with open(file, "rb") as opened:
        sent = opened.read()
    told = json.loads(ask(f"{VERSION}/runs?format={format}&run_key={format}-{os.getpid()}", sent,
                          **{"Content-Type": kind}))  # fmt: skip
    coverage = told["coverage"]
    assert coverage["complete"] and not coverage["unknown"] and not coverage["missing"], told
    assert coverage["errors"] == 0, told
    n = coverage["expected"]
    assert abs(told["pass_rate"] - (n - 1) / n) < 1e-9, (told["pass_rate"], told["reasons"])
    keep = os.environ.get("KEEP")
    if keep:
        with open(os.path.join(keep, f"{format}-{os.path.basename(file)}"), "wb") as opened:
            opened.write(sent)
    print(format, told["decision"], told["pass_rate"])
    return told
