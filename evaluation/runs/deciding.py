"""What does the gate say of a run? Gathers its trials and its baseline's, and stores the whole answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from evaluation import gate, gate_advice
from evaluation.golden.asked import Selection
from evaluation.golden.content.lines import parse
from evaluation.golden.models import GoldenCase, GoldenVersion
from evaluation.golden.published.versions import digest_text
from evaluation.runs.judged import uncertified
from evaluation.runs.models import CiRun, Decision, ResultStatus
from ingest.json_objects import Json

MOST_NAMED = 1000
JUDGED = "rubric"
# A part that follows another later than this follows no more.
LAST_PART_WITHIN = timedelta(hours=1)
# The selection that takes every case.
ALL: Json = {"split": [], "tag": []}
# What makes a trial; one that ended in an error did not pass.
COUNTED = frozenset((ResultStatus.PASS, ResultStatus.FAIL, ResultStatus.ERROR))


@dataclass(slots=True)
class Expected:
    """A case that the run has to answer."""

    case_id: str
    revision: int
    critical: bool
    judged: bool


@dataclass(slots=True)
class Trials:
    passed: list[bool] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Gathered:
    """Everything the gate looks at."""

    expected: dict[int, Expected]
    trials: dict[int, Trials]
    baseline: dict[int, tuple[bool, ...]]
    missing: list[str]
    skipped: list[str]
    errors: int
    pending: int
    judged: list[str]
    uncertified: list[str]
    outside: list[str]


def find_baseline(run: CiRun) -> CiRun | None:
    """The latest complete run of the named branch on this dataset, by a token allowed to speak for it.

    It has to be of all cases or of the same part: one of another part would leave the rest uncompared.
    """
    if not run.baseline_branch:
        return None
    return (
        CiRun.objects.filter(
            version__dataset_id=run.version.dataset_id, branch=run.baseline_branch, complete=True
        )
        .filter(Q(selection=run.selection) | Q(selection=ALL) | Q(selection={}))
        .exclude(pk=run.pk)
        .order_by("-created_at", "-pk")
        .first()
    )


def decide(run: CiRun) -> None:
    """Decide again from the stored results, and keep the answer."""
    found = gather(run)
    arriving = _arriving(run)
    problems = _parts(found, arriving) if run.arriving else _problems(run, found)
    verdict = gate.decide(_cases(found), threshold=run.version.dataset.threshold, problems=problems)
    waits = arriving or (bool(found.pending) and not problems)
    compared = verdict.comparison
    run.decision = Decision.PENDING if waits else Decision(verdict.decision)
    run.complete = not problems and not waits
    run.cases, run.passed = compared.n, compared.passed
    run.broken, run.fixed, run.unstable = len(compared.broken), len(compared.fixed), len(compared.unstable)
    run.answer = _answer(run, found, verdict, problems) | {"arriving": arriving}
    run.updated_at = Now()
    run.save()
    run.refresh_from_db(fields=["updated_at", "created_at"])


def _arriving(run: CiRun) -> bool:
    """More is announced, and the latest part came a short while ago."""
    since = timezone.now() - LAST_PART_WITHIN
    return run.arriving and run.uploads.filter(received_at__gte=since).exists()


def _parts(found: Gathered, arriving: bool) -> list[str]:
    """Whatever came so far says nothing of the whole."""
    so_far = f"{len(found.expected) - len(found.missing)} of {len(found.expected)} cases arrived"
    if arriving:
        return [f"{so_far} so far; more parts of this run are on their way."]
    return [f"{so_far}; the last part of the upload never came. Send it, or the whole run, again."]


def gather(run: CiRun) -> Gathered:
    expected = _expected(run.version, run.selection)
    trials = _trials(run)
    outside = [pk for pk in trials if pk not in expected]
    answered = {pk for pk in expected if trials[pk].passed}
    waiting = {pk for pk in expected if trials[pk].counts[ResultStatus.PENDING]}
    skipped = [pk for pk in expected if trials[pk].counts[ResultStatus.SKIP] and pk not in answered]
    missing = [pk for pk in expected if pk not in answered and pk not in waiting and pk not in skipped]
    judged = {pk: each.case_id for pk, each in expected.items() if each.judged}
    return Gathered(
        expected=expected,
        trials=trials,
        baseline=_baseline(run, expected),
        missing=sorted(expected[pk].case_id for pk in missing),
        skipped=sorted(expected[pk].case_id for pk in skipped),
        errors=sum(1 for pk in expected if trials[pk].counts[ResultStatus.ERROR]),
        pending=len(waiting),
        judged=sorted(judged.values()),
        uncertified=_uncertified(run, list(judged)),
        outside=_names(outside),
    )


def _uncertified(run: CiRun, case_pks: list[int]) -> list[str]:
    """Cases whose judge has no valid certificate; one whose text was erased names none."""
    if not case_pks:
        return []
    rows = run.version.entries.filter(case_id__in=case_pks).values_list("revision__line", flat=True)
    return uncertified(run.version.dataset.project, [parse(line) for line in rows if line])


def _names(case_pks: list[int]) -> list[str]:
    if not case_pks:
        return []
    return sorted(GoldenCase.objects.filter(pk__in=case_pks).values_list("case_id", flat=True))


def _expected(version: GoldenVersion, selection: Json) -> dict[int, Expected]:
    part = Selection(tuple(selection.get("split", ())), tuple(selection.get("tag", ())))
    rows = version.entries.order_by("case__case_id").values_list(
        "case_id", "case__case_id", "revision__number", "revision__critical", "revision__kinds",
        "revision__split", "revision__tags",
    )  # fmt: skip
    return {
        pk: Expected(case_id, number, critical, JUDGED in kinds)
        for pk, case_id, number, critical, kinds, split, tags in rows
        if part.takes(split, tags)
    }


def _trials(run: CiRun) -> dict[int, Trials]:
    found: dict[int, Trials] = defaultdict(Trials)
    for case_pk, status in run.results.order_by("trial").values_list("case_id", "status"):
        found[case_pk].counts[status] += 1
        if status in COUNTED:
            found[case_pk].passed.append(status == ResultStatus.PASS)
    return found


def _baseline(run: CiRun, expected: dict[int, Expected]) -> dict[int, tuple[bool, ...]]:
    """The baseline's trials of cases that read alike in both: the same revision."""
    if run.baseline is None:
        return {}
    found: dict[int, list[bool]] = defaultdict(list)
    rows = run.baseline.results.order_by("trial").values_list("case_id", "revision", "status")
    for case_pk, revision, status in rows:
        case = expected.get(case_pk)
        if case and case.revision == revision and status in COUNTED:
            found[case_pk].append(status == ResultStatus.PASS)
    return {case_pk: tuple(trials) for case_pk, trials in found.items()}


def _cases(found: Gathered) -> list[gate.Case]:
    return [
        gate.Case(
            case_id=case.case_id,
            trials=tuple(found.trials[pk].passed),
            baseline=found.baseline.get(pk),
            critical=case.critical,
        )
        for pk, case in found.expected.items()
        if found.trials[pk].passed
    ]


def _problems(run: CiRun, found: Gathered) -> list[str]:
    """Why nothing can pass, whatever the results say."""
    version = run.version
    problems = []
    if not found.expected:
        problems.append("The selection holds no case of this version.")
    if not found.trials and not run.unknown:
        problems.append("There are no results.")
    if found.missing:
        problems.append(
            f"{len(found.missing)} of {gate.counted(len(found.expected))} "
            f"{'has' if len(found.missing) == 1 else 'have'} no result: {named(found.missing)}."
        )
    if found.skipped:
        problems.append(f"{gate.counted(len(found.skipped))} skipped: {named(found.skipped)}.")
    if run.unknown:
        problems.append(
            f"{len(run.unknown)} results name no case of version {version.number}: {named(run.unknown)}."
        )
    if found.outside:
        problems.append(f"{len(found.outside)} results lie outside the selection: {named(found.outside)}.")
    if not digest_agrees(run):
        problems.append(
            f"The digest {run.golden_digest} is not that of version {version.number} "
            f"({digest_text(version)}): the tests ran on other bytes."
        )
    most = version.dataset.most_errors
    # While a judge is at work the last word about errors is not spoken.
    if found.errors > most * len(found.expected) and not found.pending:
        problems.append(f"{found.errors} cases ended in an error; at most {gate.percent(most)} may.")
    if found.uncertified:
        problems.append(
            f"{len(found.uncertified)} cases are scored by a judge without a valid calibration certificate: "
            f"{named(found.uncertified)}."
        )
    return problems


def digest_agrees(run: CiRun) -> bool:
    """What was not sent cannot disagree; the version stands in the address."""
    sent = run.golden_digest.strip().lower().removeprefix("sha256:")
    return not sent or sent == bytes(run.version.digest).hex()


def named(ids: list[str], most: int = 10) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def _answer(run: CiRun, found: Gathered, verdict: gate.Verdict, problems: list[str]) -> Json:
    """What the API answers, without the parts that depend on who asks (markdown, url)."""
    compared = verdict.comparison
    reasons = list(verdict.reasons)
    if run.decision == Decision.PENDING and not problems:
        reasons = [f"The judge still has to look at {found.pending} cases."]
    if run.baseline_branch and run.baseline is None and not problems:
        reasons.append(f"There is no complete run of {run.baseline_branch} to compare with yet.")
    answered = len(found.expected) - len(found.missing) - len(found.skipped)
    return {
        "decision": run.decision,
        "reasons": reasons,
        "coverage": {
            "expected": len(found.expected),
            "answered": answered,
            "missing": found.missing[:MOST_NAMED],
            "skipped": found.skipped[:MOST_NAMED],
            "unknown": run.unknown,
            "outside": found.outside[:MOST_NAMED],
            "errors": found.errors,
            "pending": found.pending,
            "complete": run.complete,
        },
        "pass_rate": compared.pass_rate,
        "ci95": list(compared.interval) if compared.n else None,
        "lower": compared.lower,
        "threshold": verdict.threshold,
        "baseline": _compared(run, compared),
        "unstable": [case.case_id for case in compared.unstable],
        "repeat": [{"case_id": each.case_id, "trials": each.trials} for each in verdict.repeat],
        "more_cases": verdict.more_cases,
        "flip_rate": flip_rate(compared),
        "critical": _critical(compared),
        "judged": len(found.judged),
        "certified": not found.uncertified,
        "digest_sent": bool(run.golden_digest),
        "digest_agrees": digest_agrees(run),
        # What prevents a decision is already among the reasons.
        "turns_green": "" if problems else gate_advice.turns_green(verdict),
    }


def _compared(run: CiRun, compared: gate.Comparison) -> Json | None:
    if run.baseline is None:
        return None
    return {
        "run_id": str(run.baseline.public_id),
        "branch": run.baseline.branch,
        "commit": run.baseline.commit,
        "pass_rate": run.baseline.answer.get("pass_rate"),
        "cases": compared.paired,
        "broken": [case.case_id for case in compared.broken],
        "fixed": [case.case_id for case in compared.fixed],
        "p_value": compared.p_value,
    }


def flip_rate(compared: gate.Comparison) -> float | None:
    """The share of cases with several trials of which not all agree."""
    several = [case for case in compared.cases if len(case.trials) > 1]
    return sum(case.unstable for case in several) / len(several) if several else None


def _critical(compared: gate.Comparison) -> Json:
    critical = [case for case in compared.cases if case.critical]
    return {
        "cases": len(critical),
        "passed": sum(case.passed for case in critical),
        "broken": [case.case_id for case in critical if case.broken],
    }
