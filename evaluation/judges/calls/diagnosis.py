"""Can the judges be asked? What `manage.py doctor` says of them, for the operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from evaluation.judges.calls import budget, endpoints
from evaluation.judges.calls.endpoints import Endpoint, Misconfigured
from evaluation.judges.models import JudgeVersion, Kind, Stage
from reviewapp.serving.diagnosis import Finding, Verdict

SUBJECT = "judges"
SHOWN = 0.005


def judges() -> list[Finding]:
    """What is wrong with the endpoints and the live versions, or one line that nothing is."""
    try:
        known = endpoints.known()
    except Misconfigured as error:
        return [Finding(Verdict.FAIL, SUBJECT, str(error), "Correct JUDGES_FILE; docs/judges.md shows one.")]
    found = [*_of_endpoints(known), *_of_versions(known), *_of_budget(known)]
    return found or [Finding(Verdict.OK, SUBJECT, _told(known))]


def _told(known: dict[str, Endpoint]) -> str:
    if not known:
        return "no endpoint is listed, so only judges by rules can be asked"
    names = ", ".join(sorted(known))
    month = budget.month()
    spent = f"{month.spent_usd:.2f} of {settings.JUDGE_MONTHLY_BUDGET:.2f} US$ spent this month"
    guessed = f", {month.estimated_usd:.2f} of it estimated" if month.estimated_usd >= SHOWN else ""
    return f"{names}; {spent}{guessed}"


def _of_endpoints(known: dict[str, Endpoint]) -> Iterator[Finding]:
    for endpoint in known.values():
        if endpoint.key and not endpoint.secret():
            yield Finding(
                Verdict.WARN,
                SUBJECT,
                f"{endpoint.name} has no key: {endpoint.key} is not set",
                f"Set {endpoint.key} for the worker.",
            )
        if not endpoint.is_pinned:
            yield Finding(
                Verdict.WARN,
                SUBJECT,
                f"{endpoint.name} names no snapshot of its model: {endpoint.model}",
                "Name a dated snapshot, so that the judge cannot change unseen.",
            )


def _of_versions(known: dict[str, Endpoint]) -> Iterator[Finding]:
    live = JudgeVersion.objects.filter(stage=Stage.LIVE, kind=Kind.LITELLM).exclude(endpoint__in=known)
    for version in live.select_related("judge__project"):
        named = f"{version.judge.name} {version.label} of {version.judge.project.slug}"
        yield Finding(
            Verdict.FAIL,
            SUBJECT,
            f"{named} is live and has no endpoint",
            f"List {version.endpoint} in JUDGES_FILE, or let another version go live.",
        )


def _of_budget(known: dict[str, Endpoint]) -> Iterator[Finding]:
    most = float(settings.JUDGE_MONTHLY_BUDGET)
    if any(endpoint.is_paid for endpoint in known.values()) and budget.spent() >= most:
        yield Finding(
            Verdict.WARN,
            SUBJECT,
            f"this month's {most:.2f} US$ are spent",
            "Raise JUDGE_MONTHLY_BUDGET, or wait for the next month.",
        )
