"""What does a run's page show: the sentence, the paired bar, broken cases side by side, every check."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from evaluation import gate
from evaluation.gate import percent
from evaluation.golden.content import assertions, lines
from evaluation.runs.models import CaseResult, CiRun, Decision, ResultStatus
from ingest.json_objects import Json
from reviewapp import figures

MOST_CASES = 30
# Of cases whose trials disagree: up to this the system answers steadily.
STEADY = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """One run's answer to a case, with its trials."""

    output: str
    reason: str
    passed: int
    trials: int
    status: str


@dataclass(frozen=True, slots=True)
class Shown:
    case_id: str
    title: str
    critical: bool
    kinds: tuple[str, ...]
    expected: str
    note: str
    before: Side | None
    now: Side | None
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """`state` is good, doubt or failure."""

    state: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The paired bar: widths in per cent."""

    both: int
    fixed: int
    broken: int
    neither: int

    @property
    def parts(self) -> list[tuple[str, int, float, float]]:
        """(class, count, x, width); what is there is at least one per cent wide."""
        counts = (
            ("both", self.both),
            ("fixed", self.fixed),
            ("broken", self.broken),
            ("neither", self.neither),
        )
        total = max(self.both + self.fixed + self.broken + self.neither, 1)
        widths = [max(number / total * 100, 1.0) if number else 0.0 for _, number in counts]
        scale = 100 / max(sum(widths), 1)
        parts, x = [], 0.0
        for (name, number), width in zip(counts, widths, strict=True):
            parts.append((name, number, x, width * scale))
            x += width * scale
        return parts


def sentence(run: CiRun) -> tuple[str, str, str]:
    """The honest sentence in three parts: what happened, the aside, the rest."""
    answer = run.answer
    name = run.branch or run.run_key
    baseline = answer["baseline"]
    if answer.get("arriving"):
        return f"{name} is still arriving.", "", " ".join(answer["reasons"])
    if run.decision == Decision.PENDING:
        return f"{name} waits for its judge.", "", ""
    if baseline and not answer["coverage"]["missing"]:
        broken, fixed = len(baseline["broken"]), len(baseline["fixed"])
        p = figures.p_value(baseline["p_value"]).replace(" ", "\u00a0")
        first = f"{name} broke {broken} golden {'case' if broken == 1 else 'cases'} and fixed {fixed}"
        return (
            first,
            f"(exact McNemar {p}, n\u00a0=\u00a0{baseline['cases']}).",
            _critical(answer),
        )
    if answer["pass_rate"] is None:
        return f"{name} answered no golden case.", "", ""
    low, high = answer["ci95"]
    return (
        f"{name} passed {percent(answer['pass_rate'])} of the golden cases",
        f"({interval(low, high)}).",
        _critical(answer),
    )


def interval(low: float, high: float) -> str:
    return f"{low * 100:.1f}\u2013{high * 100:.1f}"


def _critical(answer: Json) -> str:
    broken = len(answer["critical"]["broken"])
    return f"{broken} of them {'is' if broken == 1 else 'are'} critical." if broken else ""


def bar(run: CiRun) -> Bar | None:
    baseline = run.answer["baseline"]
    if not baseline or not baseline["cases"]:
        return None
    broken, fixed = len(baseline["broken"]), len(baseline["fixed"])
    failing = run.cases - run.passed
    both = max(run.passed - fixed, 0)
    return Bar(both, fixed, broken, max(failing - broken, 0))


def checks(run: CiRun) -> list[Check]:
    """Everything the gate looked at, in its order."""
    answer, dataset = run.answer, run.version.dataset
    found = (
        _complete(answer),
        _digest(answer, run),
        _errors(answer["coverage"], dataset.most_errors),
        _certificate(answer),
        _steadiness(answer["flip_rate"]),
        _regression(answer["baseline"]),
        _critical_cases(answer["critical"]),
        _bound(answer),
    )
    return [check for check in found if check]


def _complete(answer: Json) -> Check:
    coverage = answer["coverage"]
    whole = coverage["answered"] == coverage["expected"] > 0 and not coverage["unknown"]
    state = "good" if whole else "doubt" if answer.get("arriving") else "failure"
    return Check(state, "Every case answered", f"{coverage['answered']} of {coverage['expected']}")


def _digest(answer: Json, run: CiRun) -> Check:
    if not answer["digest_sent"]:
        return Check("doubt", "Digest matches", "not sent")
    return Check("good" if answer["digest_agrees"] else "failure", "Digest matches", f"v{run.version.number}")


def _errors(coverage: Json, most: float) -> Check:
    few = coverage["errors"] <= most * max(coverage["expected"], 1)
    return Check("good" if few else "failure", f"Errors under {percent(most)}", str(coverage["errors"]))


def _certificate(answer: Json) -> Check | None:
    if not answer["judged"]:
        return None
    if answer["certified"]:
        return Check("good", "Judge certificate", "valid")
    return Check("failure", "Judge certificate", "none valid")


def _steadiness(flip_rate: float | None) -> Check | None:
    if flip_rate is None:
        return None
    return Check("good" if flip_rate <= STEADY else "doubt", "Trials that disagree", percent(flip_rate))


def _regression(baseline: Json | None) -> Check:
    if not baseline:
        return Check("doubt", "No regression", "no baseline")
    p = baseline["p_value"]
    is_significant = p is not None and p <= gate.SIGNIFICANT
    return Check("failure" if is_significant else "good", "No regression", figures.p_value(p))


def _critical_cases(critical: Json) -> Check | None:
    if not critical["cases"]:
        return None
    broken = len(critical["broken"])
    words = f"{critical['cases'] - broken} of {critical['cases']}"
    return Check("failure" if broken else "good", "Critical cases hold", words)


def _bound(answer: Json) -> Check:
    return Check(
        "good" if answer["lower"] >= answer["threshold"] else "doubt",
        f"Lower bound over {percent(answer['threshold'])}",
        percent(answer["lower"]) if answer["pass_rate"] is not None else "no results",
    )


def hidden(number: int) -> int:
    """How many of this many cases the page leaves out."""
    return max(0, number - MOST_CASES)


def cases(run: CiRun, ids: Iterable[str], withheld: Container[str] = ()) -> list[Shown]:
    """The named cases with both runs' answers; a handful of queries for any number of them. Of those with a
    withheld id no more than that."""
    wanted = list(ids)[:MOST_CASES]
    entries = {
        entry.case.case_id: entry
        for entry in run.version.entries.filter(case__case_id__in=wanted).select_related("case", "revision")
    }
    pks = [entry.case_id for entry in entries.values()]
    now = _sides(run, pks)
    before = _sides(run.baseline, pks) if run.baseline else {}
    return [
        _withheld(entries[name]) if name in withheld else _shown(entries[name], before, now)
        for name in wanted
        if name in entries
    ]


def _withheld(entry: Any) -> Shown:
    return Shown(entry.case.case_id, entry.case.title, False, (), "", "", None, None, is_withheld=True)


def _shown(entry: Any, before: dict[int, Side], now: dict[int, Side]) -> Shown:
    line = lines.parse(entry.revision.line) if entry.revision.line else None
    return Shown(
        case_id=entry.case.case_id,
        title=entry.case.title,
        critical=entry.revision.critical,
        kinds=tuple(entry.revision.kinds),
        expected=_expected(line) if line else "",
        note=str(line["metadata"].get("note", "")) if line else "",
        before=before.get(entry.case_id),
        now=now.get(entry.case_id),
    )


def _expected(line: Json) -> str:
    checks = [f"{each.get('type')}: {assertions.as_text(each.get('value'))}" for each in line["assertions"]]
    return lines.expected_text(line["expected"]) or "; ".join(checks)


def _sides(run: CiRun, case_pks: list[int]) -> dict[int, Side]:
    rows: dict[int, list[CaseResult]] = {}
    for result in run.results.filter(case_id__in=case_pks).order_by("trial"):
        rows.setdefault(result.case_id, []).append(result)
    return {pk: _side(results) for pk, results in rows.items()}


def _side(results: list[CaseResult]) -> Side:
    passed = sum(each.status == ResultStatus.PASS for each in results)
    held = passed * 2 > len(results)
    shown = next((each for each in results if (each.status == ResultStatus.PASS) == held), results[-1])
    status = "pass" if held else shown.status
    return Side(shown.output, shown.reason, passed, len(results), status)


def failing(run: CiRun) -> list[str]:
    """Cases that fail, broken or not."""
    tallied: dict[str, list[bool]] = {}
    for case_id, status in run.results.values_list("case__case_id", "status"):
        tallied.setdefault(case_id, []).append(status == ResultStatus.PASS)
    return sorted(name for name, found in tallied.items() if not gate.majority(found))
