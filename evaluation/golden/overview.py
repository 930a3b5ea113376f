"""What does a dataset's page show: its versions, the draft in words, candidates, coverage of production."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, Sum
from django.utils import timezone

from evaluation.golden import assertions, candidates, drafts, lines
from evaluation.golden.drafts import Change
from evaluation.golden.models import (
    CandidateState,
    CaseRevision,
    CaseState,
    Download,
    GoldenCase,
    GoldenDataset,
    Origin,
)
from evaluation.golden.versions import digest_text
from evaluation.json_objects import Json
from evaluation.runs.models import CiRun, Decision
from ingest.models import Trace
from reviewapp.models import Membership

CHANGES_A_PAGE, MOST_CANDIDATES, MOST_SLICES = 60, 8, 8
MOST_REVISIONS = 20
COVERAGE_DAYS = 30


@dataclass(frozen=True, slots=True)
class FieldChange:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One case of the draft that differs, with what differs."""

    change: Change
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    asked: str
    must: tuple[str, ...]
    trace_id: str
    people: tuple[str, ...]
    nearest: Json | None
    fields: tuple[FieldChange, ...]

    @property
    def sign(self) -> str:
        return {"added": "+", "changed": "~", "removed": "\u2212"}[self.change.kind]


@dataclass(frozen=True, slots=True)
class Slice:
    """A route: how many cases, and its share of production. Widths in per cent of the longer bar."""

    name: str
    cases: int
    share: float
    case_width: float
    share_at: float


def paged(changes: tuple[Change, ...], number: str | None) -> Page[Change]:
    return Paginator(changes, CHANGES_A_PAGE).get_page(number)


def described(changes: Iterable[Change]) -> list[Changed]:
    """Changes in words; one query for any number of them."""
    shown = list(changes)
    wanted = {pk for change in shown for pk in (change.before, change.after) if pk}
    revisions = {each.pk: each for each in CaseRevision.objects.filter(pk__in=wanted)}
    return [_changed(change, revisions) for change in shown]


def _changed(change: Change, revisions: dict[int, CaseRevision]) -> Changed:
    before, after = revisions.get(change.before or 0), revisions.get(change.after or 0)
    revision = after or before
    line = lines.parse(revision.line) if revision and revision.line else {}
    provenance = revision.provenance if revision else {}
    return Changed(
        change=change,
        tags=tuple(revision.tags) if revision else (),
        kinds=tuple(revision.kinds) if revision else (),
        asked=lines.input_text(line["input"]) if line else "",
        must=tuple(_must(line)) if line else (),
        trace_id=str(line["metadata"].get("trace_id") or "") if line else "",
        people=tuple(provenance.get("reviewers", ())),
        nearest=provenance.get("nearest"),
        fields=tuple(differences(before, after)) if before and after else (),
    )


def _must(line: Json) -> list[str]:
    checks = [f"{each.get('type')}: {assertions.as_text(each.get('value'))}" for each in line["assertions"]]
    expected = lines.expected_text(line["expected"])
    return checks or ([expected] if expected else [])


def differences(before: CaseRevision, after: CaseRevision) -> list[FieldChange]:
    """Which parts of the line differ, as text."""
    old, new = ({**lines.parse(each.line)} if each.line else {} for each in (before, after))
    found = _asked(old.get("input") or {}, new.get("input") or {})
    found += [
        FieldChange(name, *_apart(_spelled(name, old), _spelled(name, new), old.get(name), new.get(name)))
        for name in ("expected", "tags", "split", "critical")
        if old.get(name) != new.get(name)
    ]
    for index, (one, two) in enumerate(
        zip_longest(old.get("assertions", []), new.get("assertions", []), fillvalue=None)
    ):
        if one != two:
            kind = str((two or one or {}).get("type", ""))
            texts = _apart(_assertion(one), _assertion(two), one, two)
            found.append(FieldChange(f"assertions[{index}] {kind}", *texts))
    olds, news = old.get("metadata", {}), new.get("metadata", {})
    found += [
        FieldChange(name, _spelled(name, olds), _spelled(name, news))
        for name in ("source", "failure_modes", "note")
        if (olds.get(name) or "") != (news.get(name) or "")
    ]
    return found


def history(case: GoldenCase) -> list[tuple[CaseRevision, list[FieldChange]]]:
    """Newest first: each revision, and what it changed in the one before."""
    rows = list(case.revisions.order_by("-number")[: MOST_REVISIONS + 1])
    pairs = zip(rows, [*rows[1:], None], strict=False)
    told = [(each, differences(before, each) if before and before.line else []) for each, before in pairs]
    return told[:MOST_REVISIONS]


def _asked(old: Json, new: Json) -> list[FieldChange]:
    """Message by message: it need not be the last question that changed."""
    if old == new:
        return []
    pairs = list(zip_longest(*(lines.messages_of(each) if each else [] for each in (old, new))))
    found = [
        FieldChange(_message_name(index, len(pairs), two or one), *_apart(_said(one), _said(two), one, two))
        for index, (one, two) in enumerate(pairs)
        if one != two
    ]
    return found or [FieldChange("input", assertions.as_text(old), assertions.as_text(new))]


def _message_name(index: int, of: int, message: Json) -> str:
    return "input" if of == 1 else f"input[{index}] {message.get('role', '')}"


def _said(message: Json | None) -> str:
    return "" if message is None else lines.content_text(message.get("content"))


def _apart(before: str, after: str, old: Any, new: Any) -> tuple[str, str]:
    """Both whole, where the texts alone are alike: it is a role, a limit or a type that changed."""
    if before != after:
        return before, after
    before, after = ("" if each is None else assertions.as_text(each) for each in (old, new))
    return before, after


def _spelled(name: str, line: Json) -> str:
    value = line.get(name, "")
    if name == "expected":
        return lines.expected_text(value) if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _assertion(assertion: Json | None) -> str:
    return "" if assertion is None else assertions.as_text(assertion.get("value"))


def versions_of(dataset: GoldenDataset) -> list[Any]:
    """Newest first, each with its short digest and the runs it blocked."""
    versions: list[Any] = list(
        dataset.versions.annotate(
            blocked=Count("runs", filter=Q(runs__decision=Decision.FAIL)),
        ).order_by("-number")
    )
    for version in versions:
        digest = digest_text(version)
        version.short = f"{digest[:11]}…{digest[-4:]}"
    return versions


def composition(dataset: GoldenDataset) -> Json:
    """Active cases by source, critical ones, the quarantined, downloads of a week, the last gate."""
    active = drafts.revisions(dataset)
    sources = dict(active.values_list("source").annotate(n=Count("pk")).order_by("-n"))
    week = timezone.now().date() - timedelta(days=7)
    downloads = Download.objects.filter(dataset=dataset, day__gte=week).aggregate(
        sent=Sum("sent"), unchanged=Sum("unchanged")
    )
    return {
        "sources": [(_origin(name), number) for name, number in sources.items()],
        "active": sum(sources.values()),
        "critical": active.filter(critical=True).count(),
        "quarantined": dataset.cases.filter(state=CaseState.QUARANTINED).count(),
        "downloads": (downloads["sent"] or 0) + (downloads["unchanged"] or 0),
        "unchanged": downloads["unchanged"] or 0,
        "last_run": CiRun.objects.filter(version__dataset=dataset).order_by("-created_at").first(),
    }


def _origin(name: str) -> str:
    return str(Origin(name).label).lower() if name in Origin.values else name


def candidates_of(membership: Membership) -> Any:
    return candidates.told_to(membership).filter(state=CandidateState.OPEN).order_by("-proposed_at", "pk")


def coverage(dataset: GoldenDataset) -> list[Slice]:
    """The routes of the last month beside the cases of them: a case's tags or its trace name its route."""
    since = timezone.now() - timedelta(days=COVERAGE_DAYS)
    traffic = list(
        Trace.objects.filter(project=dataset.project_id, started_at__gte=since)
        .exclude(route="")
        .values_list("route")
        .annotate(n=Count("pk"))
        .order_by("-n")[:MOST_SLICES]
    )
    total = sum(number for _, number in traffic)
    counted = {route: _cases_of(dataset, route) for route, _ in traffic}
    all_cases = max(sum(counted.values()), 1)
    widest = max(
        [number / total for _, number in traffic] + [n / all_cases for n in counted.values()], default=1
    )
    return [
        Slice(
            name=route,
            cases=counted[route],
            share=number / total,
            case_width=counted[route] / all_cases / widest * 100,
            share_at=number / total / widest * 100,
        )
        for route, number in traffic
    ]


def _cases_of(dataset: GoldenDataset, route: str) -> int:
    in_draft = drafts.revisions(dataset)
    return in_draft.filter(Q(tags__contains=[route]) | Q(case__trace__route=route)).count()


@dataclass(frozen=True, slots=True)
class Step:
    """One version in the chart of cases over time: percentages of width and height."""

    number: int
    items: int
    x: float
    y: float


def growth(versions: list[Any]) -> list[Step]:
    """Oldest first; x by time, y by the number of cases from nothing up."""
    ordered = list(reversed(versions))
    if len(ordered) < 2:
        return []
    start, end = ordered[0].created_at, ordered[-1].created_at
    length = (end - start).total_seconds()
    # Versions of one minute stand side by side.
    even = length < 60
    most = max(version.items for version in ordered)
    return [
        Step(
            version.number,
            version.items,
            index * 100 / (len(ordered) - 1)
            if even
            else (version.created_at - start).total_seconds() / length * 100,
            100 - version.items / most * 90,
        )
        for index, version in enumerate(ordered)
    ]


def stairs(steps: list[Step]) -> str:
    """The points of a polyline that keeps each count until the next version."""
    points = []
    for before, step in zip([None, *steps], steps, strict=False):
        if before is not None:
            points.append(f"{step.x:.1f},{before.y:.1f}")
        points.append(f"{step.x:.1f},{step.y:.1f}")
    return " ".join(points)
