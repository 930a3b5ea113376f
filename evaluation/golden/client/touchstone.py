#!/usr/bin/env python3
"""Touchstone in CI: fetch a golden dataset, check outputs, ask the gate. One file, no packages.

    export TOUCHSTONE_URL=https://review.example.org TOUCHSTONE_TOKEN=ts_...
    python touchstone.py pull support-core --out golden.jsonl    writes golden.lock, the trust anchor
    python touchstone.py check golden.jsonl --run "python answer.py" --results results.json
    python touchstone.py gate results.json --junit report.xml      uploads, decides, exits

Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 usage, network or access, 4 digest or lock mismatch.
Runs on Python 3.9 and newer.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

PASS, FAIL, INCONCLUSIVE, TROUBLE, MISMATCH = 0, 1, 2, 3, 4
DECISIONS = {"pass": PASS, "fail": FAIL, "inconclusive": INCONCLUSIVE, "pending": INCONCLUSIVE}
LOCK = "golden.lock"
CACHE = ".touchstone"
# In a result file: the options of the check that made it. They stay on this machine.
MADE_WITH = "made_with"
TRIES = 4
TIMEOUT = 60
MOST_SHOWN = 20
# A server takes 8 MiB at once unless its MAX_BODY_MB says otherwise; a proxy before it may take less.
PART_BYTES = 4 * 1024 * 1024
PART_RESULTS = 20_000
# The server keeps this much of a text and marks the cut; what is longer need not travel.
KEPT_CHARACTERS = {"output": 64 * 1024, "reason": 4_000}
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@])")
Json = dict[str, Any]


class Stop(Exception):
    """The end of the program: an exit code and what to do about it."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class TooLarge(Stop):
    """More than the server takes in one request."""


# Network


def ask(
    path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, bytes]:
    """Status, headers and body. Tries again when the server is busy or away."""
    base, token = os.environ.get("TOUCHSTONE_URL", ""), os.environ.get("TOUCHSTONE_TOKEN", "")
    if not base or not token:
        raise Stop(
            TROUBLE, "Set TOUCHSTONE_URL and TOUCHSTONE_TOKEN (a token of the project; see Tokens there)."
        )
    if not base.startswith(("http://", "https://")):
        raise Stop(TROUBLE, "TOUCHSTONE_URL must begin with https:// (or http:// on this machine).")
    sent = {"Authorization": "Bearer " + token, "User-Agent": "touchstone.py", **(headers or {})}
    address = base.rstrip("/") + path
    for attempt in range(TRIES):
        request = urllib.request.Request(address, data=body, headers=sent)
        try:
            with OPENER.open(request, timeout=TIMEOUT) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            if error.code in (429, 502, 503) and attempt < TRIES - 1:
                time.sleep(wait(error.headers.get("Retry-After"), attempt))
                continue
            return error.code, error.headers, error.read()
        except (urllib.error.URLError, OSError, ValueError) as error:
            if attempt == TRIES - 1:
                raise Stop(TROUBLE, f"{base} does not answer: {getattr(error, 'reason', error)}")
            time.sleep(wait(None, attempt))
    raise AssertionError


class StayHere(urllib.request.HTTPRedirectHandler):
    """A token must not travel to where a redirect points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


OPENER = urllib.request.build_opener(StayHere)


def wait(after: str | None, attempt: int) -> float:
    return min(30.0, float(after)) if after and after.isdigit() else 0.5 * 2**attempt


def refused(status: int, body: bytes) -> Stop:
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = body[:200].decode("utf-8", "replace")
    hints = {
        401: "Check TOUCHSTONE_TOKEN. ",
        403: "Issue a token with the scope that is needed. ",
        413: "Raise MAX_BODY_MB there, or send native results: those go in parts. ",
    }
    kind = TooLarge if status == 413 else Stop
    return kind(TROUBLE, f"The server refused ({status}): {detail} {hints.get(status, '')}")


# pull


def pull(options: argparse.Namespace) -> int:
    name, _, wanted = options.dataset.partition("@")
    lock = read_lock(options.lock)
    locked = lock if lock.get("name") == name else {}
    if locked and not options.update and (not wanted or wanted == str(locked["version"])):
        body = fetch_locked(name, locked, options)
    else:
        if lock and not options.update:
            named = f"{lock['name']} version {lock['version']}"
            raise Stop(
                MISMATCH,
                f"{options.lock} names {named}; say --update to move it, or --lock FILE for another one.",
            )
        if options.offline:
            raise Stop(
                TROUBLE, f"{options.lock} does not lock {options.dataset}; pull it once with a connection."
            )
        locked, body = fetch(name, wanted or "latest")
        write(Path(options.lock), json.dumps(locked, indent=2, sort_keys=True) + "\n")
        say(f"{options.lock} now names {name} version {locked['version']}. Commit it.")
    write(Path(options.out), body)
    count, digest = body.count(b"\n"), locked["digest"][7:19]
    say(f"{options.out}: {count} cases of {name} v{locked['version']}, sha256:{digest}")
    return PASS


def fetch(name: str, version: str) -> tuple[Json, bytes]:
    """The version as the server has it, with the lock that names it from now on."""
    status, headers, body = ask(f"/api/v1/golden/{quoted(name)}/versions/{quoted(version)}")
    if status != 200:
        raise refused(status, body)
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    if digest != headers.get("X-Golden-Digest"):
        raise Stop(
            MISMATCH, "The bytes are not those the server announces; something changed them on the way."
        )
    keep(digest, body)
    return {"name": name, "version": int(headers["X-Golden-Version"]), "digest": digest}, body


def fetch_locked(name: str, lock: Json, options: argparse.Namespace) -> bytes:
    """The locked bytes: from the cache when they are there, from the server else; never others."""
    cached = cache_path(lock["digest"])
    if cached.exists():
        body = cached.read_bytes()
        if "sha256:" + hashlib.sha256(body).hexdigest() == lock["digest"]:
            return body
        if options.offline:
            raise Stop(
                MISMATCH,
                f"{cached} is not what {options.lock} names; something changed it. "
                "Pull once with a connection: that puts it right.",
            )
        cached.unlink()
    if options.offline:
        raise Stop(TROUBLE, f"Version {lock['version']} is not in {CACHE}; pull it once with a connection.")
    status, _, body = ask(f"/api/v1/golden/{quoted(name)}/versions/{lock['version']}")
    if status != 200:
        raise refused(status, body)
    if "sha256:" + hashlib.sha256(body).hexdigest() != lock["digest"]:
        raise Stop(
            MISMATCH,
            f"{name} version {lock['version']} is not what {options.lock} names. Nothing was written. "
            "Published versions never change, so ask who changed the lock or the server.",
        )
    keep(lock["digest"], body)
    return body


def quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def cache_path(digest: str) -> Path:
    return Path(os.environ.get("TOUCHSTONE_CACHE", CACHE)) / (digest.replace(":", "-") + ".jsonl")


def keep(digest: str, body: bytes) -> None:
    path = cache_path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, body)


def read_lock(path: str) -> Json:
    try:
        lock = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Stop(MISMATCH, f"{path} cannot be read: {error}")
    fits = (
        isinstance(lock, dict) and isinstance(lock.get("name"), str) and isinstance(lock.get("version"), int)
    )
    if not fits or not re.fullmatch("sha256:[0-9a-f]{64}", str(lock.get("digest"))):
        raise Stop(MISMATCH, f"{path} must hold name, version and digest.")
    return dict(lock)


def write(path: Path, content: Any) -> None:
    """Whole or not at all."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + f".{os.getpid()}.part")
    aside.write_bytes(data)
    os.replace(aside, path)


# check


def check(options: argparse.Namespace) -> int:
    cases = read_cases(options.golden, options.lock)
    if options.case:
        unknown = set(options.case) - {case["id"] for case in cases}
        if unknown:
            raise Stop(TROUBLE, f"{options.golden} holds no case {', '.join(sorted(unknown))}.")
        cases = [case for case in cases if case["id"] in options.case]
    cases = [case for case in cases if selected(case, options)]
    outputs = read_outputs(options.outputs) if options.outputs else {}
    if not outputs and not options.run:
        raise Stop(
            TROUBLE, "Say where outputs come from: --outputs FILE (JSONL of id and output) or --run COMMAND."
        )
    results = [result for case in cases for result in results_of(case, outputs, options)]
    made = {"results": results, **described(options), MADE_WITH: repeat_options(options)}
    write(Path(options.results), json.dumps(made, ensure_ascii=False))
    return told(cases, results, options)


def selected(case: Json, options: argparse.Namespace) -> bool:
    return (not options.split or case["split"] == options.split) and (
        not options.tag or options.tag in case["tags"]
    )


def read_cases(path: str, lock_path: str) -> list[Json]:
    try:
        body = Path(path).read_bytes()
    except OSError as error:
        raise Stop(TROUBLE, f"{path} cannot be read ({error.strerror}); run pull first.")
    lock = read_lock(lock_path)
    if lock and "sha256:" + hashlib.sha256(body).hexdigest() != lock["digest"]:
        raise Stop(MISMATCH, f"{path} is not the version that {lock_path} names; run pull again.")
    try:
        return [json.loads(line) for line in body.decode("utf-8").split("\n") if line]
    except ValueError as error:
        raise Stop(TROUBLE, f"{path} is not native JSONL: {error}")


def read_outputs(path: str) -> dict[str, list[str]]:
    """JSONL of {"id" or "case_id", "output"}; several lines of one case are its trials."""
    found: dict[str, list[str]] = {}
    number = 0
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007 - told when it cannot be read
                if line.strip():
                    value = json.loads(line)
                    case_id = value.get("case_id", value.get("id"))
                    output = value["output"]
                    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
                    found.setdefault(str(case_id), []).append(text)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise Stop(TROUBLE, f"{path}, line {number}: {error!r}")
    return found


def results_of(case: Json, outputs: dict[str, list[str]], options: argparse.Namespace) -> list[Json]:
    results: list[Json] = []
    given = outputs.get(case["id"], [])
    for place in range(len(given) if outputs else options.trials):
        output = given[place] if outputs else None
        results.append(tried(case, place + options.first_trial, options, output))
    return results


def tried(case: Json, trial: int, options: argparse.Namespace, given: str | None = None) -> Json:
    """One trial, of an output that is there or of as many as a Python test may try."""
    started = time.time()
    result: Json = {"case_id": case["id"], "trial": trial}
    for _ in range(attempts(case) if given is None else 1):
        try:
            output = produce(options.run, case) if given is None else given
        except Stop as error:
            result.update(status="error", reason=str(error))
            continue
        result.pop("status", None)
        result.pop("reason", None)
        result["output"] = output
        result.update(scored(case, output, options.allow_code))
        if result.get("status") != "fail":
            break
    result["latency_ms"] = round((time.time() - started) * 1000, 1)
    return result


def attempts(case: Json) -> int:
    """pass@k: how many outputs a Python test may try."""
    ks = [
        each["value"].get("k", 1)
        for each in case["assertions"]
        if isinstance(each.get("value"), dict) and kind(each) == "python"
    ]
    return max([int(k) for k in ks if isinstance(k, int)] + [1])


def produce(command: str, case: Json) -> str:
    """The output of the program under test: it reads the case as JSON and prints the answer."""
    try:
        done = subprocess.run(
            shlex.split(command),
            input=json.dumps(case),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=600,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Stop(TROUBLE, f"{command}: {error}")
    if done.returncode:
        raise Stop(TROUBLE, f"{command} exited with {done.returncode}")
    return done.stdout[:-1] if done.stdout.endswith("\n") else done.stdout


def scored(case: Json, output: str, allow_code: bool) -> Json:
    """A status, or none where the server has to score: then the output is sent alone."""
    checks = case["assertions"] or by_expected(case)
    if not checks:
        return {"status": "error", "reason": "The case has neither an assertion nor an expected answer."}
    remote = False
    for each in checks:
        scorer = SCORERS.get(kind(each))
        if kind(each) == "python":
            if not allow_code:
                return {
                    "status": "skip",
                    "reason": "A Python test: say --allow-code to run it on this machine.",
                }
            words = run_test(each, case, output)
        elif scorer is None:
            remote = True
            continue
        else:
            words = scorer(each.get("value"), each, output)
        if words:
            return {"status": "fail", "reason": f"{kind(each)}: {words}"}
    return {} if remote else {"status": "pass"}


def by_expected(case: Json) -> list[Json]:
    text = expected_text(case)
    return [{"type": "exact", "value": text}] if text else []


def expected_text(case: Json) -> str:
    expected = case.get("expected") or {}
    for key in ("text", "output", "answer", "content", "value"):
        if isinstance(expected.get(key), str):
            return str(expected[key])
    messages = expected.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        return content_text(messages[-1].get("content"))
    return as_text(expected) if expected else ""


def content_text(content: Any) -> str:
    """A message's content as text; parts of another kind than text stay JSON."""
    if not isinstance(content, list):
        return "" if content is None else as_text(content)
    parts = (each["text"] if isinstance(each, dict) and "text" in each else each for each in content)
    return "\n".join(as_text(each) for each in parts)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


NAMES = {
    "exact": "equals equal exact_match match",
    "contains": "contains_all includes",
    "contains_any": "",
    "icontains": "icontains_all",
    "not_contains": "excludes",
    "regex": "regexp matches pattern",
    "not_regex": "",
    "numeric": "numeric_tolerance number close",
    "python": "python_test unit_test pytest",
}
KINDS = {name: kind for kind, others in NAMES.items() for name in [kind, *others.split()]}


def kind(assertion: Json) -> str:
    name = str(assertion.get("type")).lower().replace("-", "_").replace(" ", "_")
    return KINDS.get(name, name)


def texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def exact(value: Any, _: Json, output: str) -> str:
    return "" if output == as_text(value) else f"expected exactly {short(as_text(value))!r}"


def contains(value: Any, _: Json, output: str) -> str:
    return next((f"does not hold {short(each)!r}" for each in texts(value) if each not in output), "")


def icontains(value: Any, _: Json, output: str) -> str:
    text = output.casefold()
    return next(
        (f"does not hold {short(each)!r}" for each in texts(value) if each.casefold() not in text), ""
    )


def contains_any(value: Any, _: Json, output: str) -> str:
    return "" if any(each in output for each in texts(value)) else f"holds none of {short(as_text(value))!r}"


def not_contains(value: Any, _: Json, output: str) -> str:
    return next((f"must not hold {short(each)!r}" for each in texts(value) if each in output), "")


def regex(value: Any, _: Json, output: str) -> str:
    return "" if re.search(str(value), output) else f"does not match {short(str(value))!r}"


def not_regex(value: Any, _: Json, output: str) -> str:
    return f"must not match {short(str(value))!r}" if re.search(str(value), output) else ""


def numeric(value: Any, assertion: Json, output: str) -> str:
    given = value if isinstance(value, dict) else {"value": value, "tolerance": assertion.get("tolerance")}
    allowed = given.get("tolerance", assertion.get("tolerance"))
    wanted, tolerance = float(given["value"]), float(allowed or 0)
    found = number_in(output)
    if found is None:
        return "holds no number"
    if abs(found - wanted) <= max(tolerance, abs(wanted) * 1e-9):
        return ""
    return f"{found:.12g} is not {wanted:.12g}" + (f" ± {tolerance:.12g}" if tolerance else "")


def number_in(output: str) -> float | None:
    try:
        whole = float(output.strip())
        return whole if math.isfinite(whole) else None
    except ValueError:
        found = NUMBER.findall(output)
        return float(found[-1].replace(",", "")) if found else None


SCORERS: dict[str, Any] = {
    "exact": exact,
    "contains": contains,
    "icontains": icontains,
    "contains_any": contains_any,
    "not_contains": not_contains,
    "regex": regex,
    "not_regex": not_regex,
    "numeric": numeric,
}


def run_test(assertion: Json, case: Json, output: str) -> str:
    """The case's Python test in a process of its own, with `output` and `case`; silence is a pass."""
    value = assertion.get("value")
    code = value.get("code", "") if isinstance(value, dict) else str(value)
    program = "import json,sys\n_given=json.load(sys.stdin)\noutput,case=_given['output'],_given['case']\n"
    program += (
        "exec(compile(_given['code'],'test','exec'),{'output':output,'case':case,'__name__':'__main__'})"
    )
    given = json.dumps({"output": output, "case": case, "code": code})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "the test took longer than a minute"
    return "" if done.returncode == 0 else (done.stderr.strip().split("\n") or ["failed"])[-1][:500]


def told(cases: list[Json], results: list[Json], options: argparse.Namespace) -> int:
    """Say what failed and how to repeat it; the exit code of these results alone."""
    by_id = {case["id"]: case for case in cases}
    answered = {result["case_id"] for result in results}
    missing = [case["id"] for case in cases if case["id"] not in answered]
    bad = [result for result in results if result.get("status") in ("fail", "error")]
    for result in bad[:50]:
        explain(by_id[result["case_id"]], result, options)
    counts = {
        name: sum(each.get("status", "sent") == name for each in results)
        for name in ("pass", "fail", "error", "skip", "sent")
    }
    words = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    unanswered = f"; {len(missing)} without output" if missing else ""
    say(f"{len(cases)} cases: {words or 'nothing'}{unanswered}")
    if counts["sent"]:
        say(f"{counts['sent']} outputs are scored by the server: run `gate {options.results}`.")
    if options.junit:
        write(Path(options.junit), junit(by_id, results))
    summarise(options, markdown(results, words))
    if counts["fail"]:
        return FAIL
    undecided = missing or not results or any(counts[name] for name in ("error", "skip", "sent"))
    return INCONCLUSIVE if undecided else PASS


def explain(case: Json, result: Json, options: argparse.Namespace) -> None:
    explain_as(case, result, repeat_command(case["id"], options, repeat_options(options)))


def explain_as(case: Json, result: Json, command: str) -> None:
    say(f"\n{result['status'].upper()} {case['id']}{' (critical)' if case['critical'] else ''}")
    say(f"  asked     {short(asked(case), 200)}")
    expected = expected_text(case) or "; ".join(as_text(each.get("value")) for each in case["assertions"])
    say(f"  - expected {short(expected, 400)}")
    say(f"  + actual   {short(str(result.get('output') or ''), 400)}")
    say(f"  why       {result.get('reason', '')}")
    if case["metadata"].get("note"):
        say(f"  note      {case['metadata']['note']}")
    say(f"  repeat    {command}")


def repeat_options(options: argparse.Namespace) -> list[str]:
    """Where outputs come from, for whoever looks at one case again; results keep it for the gate."""
    outputs = getattr(options, "outputs", None)
    source = ["--run", options.run] if options.run else ["--outputs", outputs] if outputs else []
    return source + (["--allow-code"] if options.allow_code else [])


def repeat_command(case_id: str, options: argparse.Namespace, made_with: list[str]) -> str:
    parts = ["python", sys.argv[0], "check", options.golden, "--case", case_id]
    parts += ["--lock", options.lock] if options.lock != LOCK else []
    return " ".join(shlex.quote(part) for part in parts + (made_with or ["--run", "COMMAND"]))


def asked(case: Json) -> str:
    messages = case["input"].get("messages")
    if not isinstance(messages, list):
        return as_text(case["input"])
    of_user = [each for each in messages if each.get("role") == "user"] or messages
    return content_text(of_user[-1].get("content")) if of_user else ""


def short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


# push and gate


def push(options: argparse.Namespace) -> int:
    answer = upload(options)
    say(f"Uploaded: {answer['url']} ({answer['decision']})")
    return PASS


def gate(options: argparse.Namespace) -> int:
    answer = settled(upload(options), options)
    for _ in range(options.rounds if options.run else 0):
        if not answer["repeat"]:
            break
        answer = settled(repeat(answer, options), options)
    announce(answer, options)
    if answer.get("digest_agrees") is False:
        return MISMATCH
    return DECISIONS.get(answer["decision"], INCONCLUSIVE)


def repeat(answer: Json, options: argparse.Namespace) -> Json:
    """Run the cases that the gate asks for again, and send them as further trials of the run."""
    wanted = {each["case_id"]: each["trials"] for each in answer["repeat"]}
    say(f"The gate asks for {len(wanted)} cases again.")
    last = last_trials(answer)
    results = []
    for case in read_cases(options.golden, options.lock):
        for number in range(wanted.get(case["id"], 0)):
            # Numbered: two rounds with the same outputs are not one upload sent twice.
            results.append(tried(case, last.get(case["id"], 0) + number + 1, options))
    value = {"run_key": answer["run_key"], "results": results}
    return send_results(options, value, answer["version"], answer["dataset"])


def last_trials(answer: Json) -> dict[str, int]:
    """The highest number of each case's trials in the run so far."""
    status, _, body = ask(f"/api/v1/runs/{answer['run_id']}")
    if status != 200:
        raise refused(status, body)
    last: dict[str, int] = {}
    for each in json.loads(body)["results"]:
        last[each["case_id"]] = max(each["trial"], last.get(each["case_id"], 0))
    return last


def upload(options: argparse.Namespace) -> Json:
    """The result file to the locked version; ours gets the lock's digest, a tool's file goes as it is."""
    lock = read_lock(options.lock)
    if not lock:
        raise Stop(TROUBLE, f"There is no {options.lock}; run pull first.")
    try:
        body = Path(options.file).read_bytes()
    except OSError as error:
        raise Stop(TROUBLE, f"{options.file} cannot be read ({error.strerror}).")
    about = {name: value for name, value in described(options).items() if value}
    about["golden_digest"] = lock["digest"]
    if options.format == "native":
        return send_results(options, merged(body, about, options), lock["version"], lock["name"])
    selection = about.pop("selection", {})
    flat = {**about.pop("system", {}), **about, **selection, "format": options.format}
    return send(options, body, "?" + urllib.parse.urlencode(flat), lock["version"], lock["name"])


def merged(body: bytes, about: Json, options: argparse.Namespace) -> Json:
    try:
        value = json.loads(body)
        value = {"results": value} if isinstance(value, list) else dict(value)
    except (ValueError, TypeError) as error:
        raise Stop(TROUBLE, f"{options.file} is not a native result file: {error} (name its --format)")
    value.pop(MADE_WITH, None)
    sent = value.get("golden_digest")
    if sent and sent != about["golden_digest"]:
        raise Stop(
            MISMATCH, f"{options.file} was made with {sent}, and {options.lock} names another version."
        )
    return {**{name: each for name, each in value.items() if each}, **about}


def send_results(options: argparse.Namespace, value: Json, version: int, name: str) -> Json:
    """One run, in as many parts as its size asks for. Sent again, each part is known and changes nothing."""
    results = value.get("results", [])
    if not isinstance(results, list):
        return send(options, encoded(value), "", version, name)
    results = [kept(each) for each in results]
    about = {**value, "results": results}
    # Parts are of one run by its key.
    about["run_key"] = value.get("run_key") or "file-" + hashlib.sha256(encoded(about)).hexdigest()[:32]
    waiting = parts(results)
    if len(waiting) > 1:
        say(f"Sending {len(results)} results in {len(waiting)} parts.")
    answer: Json = {}
    while waiting:
        part = waiting.pop(0)
        try:
            # Nothing is decided before the last part is there.
            more = {"more": True} if waiting else {}
            answer = send(options, encoded({**about, **more, "results": part}), "", version, name)
        except TooLarge as error:
            if len(part) < 2:
                which = part[0].get("case_id") if part and isinstance(part[0], dict) else "none"
                raise Stop(TROUBLE, f"The result of case {which} is too large even by itself. {error}")
            waiting[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
    return answer


def parts(results: list[Any]) -> list[list[Any]]:
    """In the order of the file, none larger than one request may be; an empty file is one empty part."""
    found: list[list[Any]] = [[]]
    size = 0
    for each in results:
        length = len(encoded(each)) + 2
        if found[-1] and (size + length > PART_BYTES or len(found[-1]) >= PART_RESULTS):
            found.append([])
            size = 0
        found[-1].append(each)
        size += length
    return found


def kept(result: Any) -> Any:
    """Texts as long as the server keeps them, and a character more: it marks what it cuts."""
    if not isinstance(result, dict):
        return result
    texts = {name: result[name] for name in KEPT_CHARACTERS if result.get(name) is not None}
    for name, value in texts.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text) > KEPT_CHARACTERS[name]:
            result = {**result, name: text[: KEPT_CHARACTERS[name] + 1]}
    return result


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def send(options: argparse.Namespace, body: bytes, query: str, version: int, name: str) -> Json:
    kinds = {"junit": "application/xml"}
    # The same file of another version is another upload, even where both versions read alike.
    place = f"{name}/{version}{query}" + hashlib.sha256(body).hexdigest()
    headers = {
        "Content-Type": kinds.get(options.format if query else "native", "application/json"),
        "Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, place)),
    }
    status, _, answer = ask(f"/api/v1/golden/{quoted(name)}/versions/{version}/runs{query}", body, headers)
    if status not in (200, 201):
        raise refused(status, answer)
    value = json.loads(answer)
    return dict(value)


def settled(answer: Json, options: argparse.Namespace) -> Json:
    """Wait while a judge is at work."""
    end = time.time() + options.wait
    while answer["decision"] == "pending" and time.time() < end:
        time.sleep(2)
        status, _, body = ask(f"/api/v1/runs/{answer['run_id']}")
        if status != 200:
            raise refused(status, body)
        answer = json.loads(body)
    return answer


def announce(answer: Json, options: argparse.Namespace) -> None:
    say(f"Golden gate: {answer['decision'].upper()}")
    for reason in answer["reasons"]:
        say("  " + reason)
    if answer["decision"] != "pass":
        show_broken(answer, options)
        if answer.get("turns_green"):
            say("  What would turn it green: " + answer["turns_green"])
    say("  " + answer["url"])
    if options.junit:
        status, _, body = ask(f"/api/v1/runs/{answer['run_id']}/junit.xml")
        if status != 200:
            raise refused(status, body)
        write(Path(options.junit), body)
    summarise(options, answer["markdown"])


def show_broken(answer: Json, options: argparse.Namespace) -> None:
    broken = (answer.get("baseline") or {}).get("broken", [])
    try:
        cases = {case["id"]: case for case in read_cases(options.golden, options.lock)}
    except Stop:
        cases = {}
    status, _, body = ask(f"/api/v1/runs/{answer['run_id']}")
    results = json.loads(body).get("results", []) if status == 200 else []
    failed = {each["case_id"]: each for each in results if each["status"] in ("fail", "error")}
    shown = broken or sorted(failed)
    made_with = repeat_options(options) or made_by(options)
    for case_id in shown[:MOST_SHOWN]:
        result = failed.get(case_id, {"status": "fail", "reason": ""})
        if case_id in cases:
            explain_as(cases[case_id], result, repeat_command(case_id, options, made_with))
        else:
            say(f"\n{result['status'].upper()} {case_id}: {short(result['reason'], 200)}")
    if len(shown) > MOST_SHOWN:
        say(f"\n... and {len(shown) - MOST_SHOWN} more; the report has them all.")


def made_by(options: argparse.Namespace) -> list[str]:
    """The options of the check that wrote the result file, when it is ours."""
    try:
        found = json.loads(Path(options.file).read_bytes())[MADE_WITH]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def described(options: argparse.Namespace) -> Json:
    """What this run is of, told by the options or by the CI server's environment."""
    env = os.environ
    commit = options.commit or env.get("GITHUB_SHA") or env.get("CI_COMMIT_SHA") or git("rev-parse", "HEAD")
    branch = (
        options.branch
        or env.get("GITHUB_HEAD_REF")
        or env.get("GITHUB_REF_NAME")
        or env.get("CI_COMMIT_REF_NAME")
        or git("rev-parse", "--abbrev-ref", "HEAD")
    )
    base = (
        options.baseline or env.get("GITHUB_BASE_REF") or env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or ""
    )
    key = options.run_key
    if not key and env.get("GITHUB_RUN_ID"):
        key = f"gh-{env['GITHUB_RUN_ID']}-{env.get('GITHUB_RUN_ATTEMPT', '1')}"
    if not key and env.get("CI_PIPELINE_ID"):
        key = f"gl-{env['CI_PIPELINE_ID']}-{env.get('CI_JOB_ID', '1')}"
    selection = {name: value for name, value in (("split", options.split), ("tag", options.tag)) if value}
    system = {
        name: value
        for name, value in (("model", options.model), ("prompt_version", options.prompt_version))
        if value
    }
    about: Json = {"run_key": key or "", "commit": commit, "branch": branch, "baseline": base}
    about.update({name: value for name, value in (("selection", selection), ("system", system)) if value})
    return about


def git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    found = done.stdout.strip()
    return "" if done.returncode or found == "HEAD" else found


# Reports


def summarise(options: argparse.Namespace, words: str) -> None:
    if options.markdown:
        write(Path(options.markdown), words)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(words + "\n")


def markdown(results: list[Json], words: str) -> str:
    lines = [f"## Golden check: {words}", ""]
    for result in results:
        if result.get("status") in ("fail", "error"):
            lines.append(f"- **{plain(result['case_id'])}** {plain(short(result.get('reason', ''), 300))}")
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def junit(cases: dict[str, Json], results: list[Json]) -> str:
    rows = []
    for result in results:
        name = quoteattr(writable(result["case_id"]))
        row = f'<testcase classname="golden" name={name} time="{result.get("latency_ms", 0) / 1000:.3f}">'
        tag = {"fail": "failure", "error": "error", "skip": "skipped"}.get(result.get("status", "skip"))
        if tag:
            reason = writable(result.get("reason", "scored by the server"))
            body = f"expected: {expected_text(cases[result['case_id']])}\nactual: {result.get('output', '')}"
            row += f"<{tag} message={quoteattr(reason)}>{escape(writable(body))}</{tag}>"
        rows.append(row + "</testcase>")
    failures = sum(each.get("status") == "fail" for each in results)
    errors = sum(each.get("status") == "error" for each in results)
    head = f'<testsuite name="golden" tests="{len(results)}" failures="{failures}" errors="{errors}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *rows, "</testsuite>", ""])


def writable(text: str) -> str:
    return UNWRITABLE.sub("\ufffd", text)


def say(words: str) -> None:
    print(words, flush=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="touchstone.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    pulling = commands.add_parser("pull", help="fetch the locked version, or lock the latest one")
    pulling.add_argument("dataset", help="NAME or NAME@VERSION")
    pulling.add_argument("--out", default="golden.jsonl")
    pulling.add_argument("--update", action="store_true", help="move the lock to this or the latest version")
    pulling.add_argument("--offline", action="store_true", help="from the cache alone")
    pulling.add_argument("--lock", default=LOCK)
    checking = commands.add_parser("check", help="score outputs on this machine")
    checking.add_argument("golden", nargs="?", default="golden.jsonl")
    checking.add_argument("--outputs", help='JSONL of {"id", "output"}')
    checking.add_argument("--results", default="results.json", help="what push and gate take")
    checking.add_argument("--case", action="append", help="this case only; repeatable")
    checking.add_argument("--trials", type=int, default=1, help="with --run; a baseline wants 3")
    checking.add_argument("--first-trial", type=int, default=1, help=argparse.SUPPRESS)
    for name, words in (("push", "upload results"), ("gate", "upload results and exit by the decision")):
        sending = commands.add_parser(name, help=words)
        sending.add_argument("file", nargs="?", default="results.json")
        sending.add_argument(
            "--format", default="native", choices=["native", "junit", "promptfoo", "inspect", "deepeval"]
        )
        sending.add_argument("--golden", default="golden.jsonl")
        sending.add_argument("--wait", type=float, default=600, help="seconds to wait for a judge")
        sending.add_argument("--rounds", type=int, default=3, help="how often cases are repeated, with --run")
        shared(sending)
    shared(checking)
    return top


def shared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", help="command that reads a case as JSON and prints the output")
    command.add_argument(
        "--allow-code", action="store_true", help="run the cases' Python tests on this machine"
    )
    command.add_argument("--lock", default=LOCK)
    command.add_argument("--junit", help="write a JUnit report here")
    command.add_argument("--markdown", help="write a Markdown report here")
    for name in ("run-key", "commit", "branch", "baseline", "model", "prompt-version", "split", "tag"):
        command.add_argument("--" + name, default="")


def main(arguments: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console that lacks a letter must not change the verdict.
            stream.reconfigure(errors="replace")
    try:
        options = parser().parse_args(arguments)
    except SystemExit as error:
        return TROUBLE if error.code else PASS
    try:
        return int({"pull": pull, "check": check, "push": push, "gate": gate}[options.command](options))
    except Stop as error:
        print(f"touchstone: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return TROUBLE
    except Exception as error:  # a CI job must not take a crash for a verdict
        print(f"touchstone: unexpected {type(error).__name__}: {error}", file=sys.stderr)
        return TROUBLE


if __name__ == "__main__":
    sys.exit(main())
