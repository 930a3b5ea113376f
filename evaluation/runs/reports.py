"""How does a run read in a pull request, and for a CI server? Markdown and JUnit, with all text escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from evaluation.gate import percent
from evaluation.golden.content.lines import expected_text, parse
from evaluation.runs.models import CiRun, Decision, ResultStatus
from ingest.json_objects import Json
from reviewapp import figures

HEADS = {
    Decision.PASS: "pass",
    Decision.FAIL: "FAIL",
    Decision.INCONCLUSIVE: "inconclusive",
    Decision.PENDING: "pending",
}
MOST_SHOWN = 20
# What XML 1.0 cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@])")


@dataclass(frozen=True, slots=True)
class Answered:
    """One case of a run, as reports show it."""

    case_id: str
    passed: bool
    statuses: tuple[str, ...]
    output: str
    reason: str
    seconds: float
    line: Json


def markdown(run: CiRun, url: str) -> str:
    answer, version = run.answer, run.version
    lines = [
        f"## Golden gate: {HEADS[Decision(run.decision)]}",
        "",
        f"`{version.dataset.name}` v{version.number}, run {safe(run.run_key)}"
        + (f" of {safe(run.branch)}" if run.branch else "")
        + (f" at {safe(run.commit[:12])}" if run.commit else ""),
        "",
        *(f"- {safe(reason)}" for reason in answer["reasons"]),
        "",
        *_figures(answer),
    ]
    baseline = answer["baseline"]
    if baseline:
        lines += _listed("Broken", baseline["broken"]) + _listed("Fixed", baseline["fixed"])
    lines += _listed("Unstable (majority taken)", answer["unstable"])
    lines += _listed("Repeat", [f"{each['case_id']} ×{each['trials']}" for each in answer["repeat"]])
    if answer["turns_green"]:
        lines += ["", f"**What would turn it green.** {safe(answer['turns_green'])}"]
    return "\n".join([*lines, "", f"[The whole report]({url})", ""])


def _figures(answer: Json) -> list[str]:
    rows = ["| | |", "| --- | --- |"]
    coverage = answer["coverage"]
    rows.append(f"| Answered | {coverage['answered']} of {coverage['expected']} cases |")
    if answer["pass_rate"] is not None:
        low, high = answer["ci95"]
        rows.append(
            f"| Pass rate | {percent(answer['pass_rate'])} ({percent(low)} to {percent(high)}), "
            f"threshold {percent(answer['threshold'])} |"
        )
    if baseline := answer["baseline"]:
        rows.append(
            f"| Against {safe(baseline['branch'])} | {len(baseline['broken'])} broken, "
            f"{len(baseline['fixed'])} fixed, {figures.p_value(baseline['p_value'])} |"
        )
    return rows


def _listed(title: str, ids: list[str]) -> list[str]:
    if not ids:
        return []
    shown = ", ".join(safe(each) for each in ids[:MOST_SHOWN])
    more = f" and {len(ids) - MOST_SHOWN} more" if len(ids) > MOST_SHOWN else ""
    return ["", f"**{title}** ({len(ids)}): {shown}{more}"]


def safe(text: str) -> str:
    """Text without the powers of Markdown and HTML: no links, images, mentions or tags."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def answered(run: CiRun) -> list[Answered]:
    """Every case with its trials, its last output and reason, in the order of ids."""
    lines = dict(run.version.entries.values_list("case_id", "revision__line"))
    rows: dict[int, list[Any]] = {}
    fields = ("case_id", "case__case_id", "status", "output", "reason", "latency_ms")
    for row in run.results.order_by("case__case_id", "trial").values_list(*fields):
        rows.setdefault(row[0], []).append(row)
    return [_answered(trials, lines.get(pk)) for pk, trials in rows.items()]


def _answered(trials: list[Any], line: str | None) -> Answered:
    statuses = tuple(row[2] for row in trials)
    passed = statuses.count(ResultStatus.PASS) * 2 > len(statuses)
    # What explains the verdict: a trial that ended as the majority did.
    shown = next((row for row in trials if (row[2] == ResultStatus.PASS) == passed), trials[-1])
    return Answered(
        case_id=trials[0][1],
        passed=passed,
        statuses=statuses,
        output=shown[3],
        reason=shown[4],
        seconds=sum(row[5] or 0 for row in trials) / 1000,
        line=parse(line) if line else {},
    )


def junit(run: CiRun) -> str:
    """The cases are one suite; the decision is another."""
    cases = answered(run)
    failed = sum(not each.passed for each in cases)
    gate_failed = int(run.decision != Decision.PASS)
    name = f"{run.version.dataset.name} v{run.version.number}"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {_counts(name, len(cases) + 1, failed + gate_failed)}>",
        f"<testsuite {_counts(name, len(cases), failed)} {_began(run)}>",
        *(_junit_case(each, name) for each in cases),
        "</testsuite>",
        f"<testsuite {_counts('gate', 1, gate_failed)} {_began(run)}>",
        _gate_case(run),
        "</testsuite>\n</testsuites>\n",
    ]
    return "\n".join(parts)


def _counts(name: str, tests: int, failures: int) -> str:
    return f'name={_attribute(name)} tests="{tests}" failures="{failures}" errors="0"'


def _began(run: CiRun) -> str:
    return f'timestamp="{run.created_at:%Y-%m-%dT%H:%M:%S}"'


def _gate_case(run: CiRun) -> str:
    """The decision as a test of its own: a server that reads only this file must see it."""
    head = f'<testcase classname="gate" name={_attribute(f"gate: {run.decision}")} time="0">'
    words = "\n".join(run.answer["reasons"])
    if run.decision == Decision.PASS:
        return f"{head}<system-out>{_text(words)}</system-out></testcase>"
    return f"{head}<failure message={_attribute(words[:500])}>{_text(words)}</failure></testcase>"


def _junit_case(each: Answered, suite: str) -> str:
    head = (
        f'<testcase classname={_attribute(suite)} name={_attribute(each.case_id)} time="{each.seconds:.3f}">'
    )
    head += f'<properties><property name="case_id" value={_attribute(each.case_id)}/></properties>'
    if each.passed:
        return f"{head}</testcase>"
    note = each.line.get("metadata", {}).get("note", "")
    body = "\n".join(
        f"{title}: {words}"
        for title, words in (
            ("trials", ", ".join(each.statuses)),
            ("expected", expected_text(each.line.get("expected"))),
            ("actual", each.output),
            ("reason", each.reason),
            ("note", note),
        )
        if words
    )
    message = each.reason or ", ".join(each.statuses)
    return f"{head}<failure message={_attribute(message[:500])}>{_text(body)}</failure></testcase>"


def _text(words: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", words))


def _attribute(words: str) -> str:
    return quoteattr(_UNWRITABLE.sub("\ufffd", words), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
