"""Which cases does a list show? A closed set of filters, one page, and what is known of each."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Case, F, IntegerField, JSONField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast
from django.http import QueryDict

from evaluation.golden.curating import staleness
from evaluation.golden.draft import drafts
from evaluation.golden.models import CaseRevision, CaseState, GoldenCase, GoldenDataset, VersionEntry
from evaluation.runs.models import CaseResult

SEARCHED = ("input", "expected", "metadata__note")


def found(dataset: GoldenDataset, asked: QueryDict) -> QuerySet[GoldenCase]:
    """By words, state, split, tag, source, owner and kind; unknown names and values select nothing odd."""
    current = CaseRevision.objects.filter(case=OuterRef("pk"), number=OuterRef("revision"))
    cases = dataset.cases.select_related("owner").annotate(
        tags=Subquery(current.values("tags")),
        split=Subquery(current.values("split")),
        critical=Subquery(current.values("critical")),
        source=Subquery(current.values("source")),
        kinds=Subquery(current.values("kinds")),
    )
    if clean(asked, "stale"):
        cases = cases.filter(pk__in=[each.case.pk for each in staleness.of(dataset)])
    state = clean(asked, "state")
    if state in CaseState.values:
        cases = cases.filter(state=state)
    if words := clean(asked, "q"):
        named = Q(case_id__icontains=words) | Q(title__icontains=words)
        cases = cases.filter(named | _saying(dataset, words))
    matching = _matching(asked)
    if matching:
        inner = CaseRevision.objects.filter(matching, case__dataset=dataset, number=F("case__revision"))
        cases = cases.filter(pk__in=inner.values("case_id"))
    owner = clean(asked, "owner")
    if owner == "nobody":
        cases = cases.filter(owner=None)
    elif owner:
        cases = cases.filter(owner__username=owner)
    return cases.order_by(_by_state(), "case_id")


def _saying(dataset: GoldenDataset, words: str) -> Q:
    """Its question, the expected answer or its note has these words."""
    read = CaseRevision.objects.annotate(body=Cast("line", JSONField()))
    current = read.filter(case__dataset=dataset, number=F("case__revision"))
    says = Q()
    # A conversation is searched as its JSON, where a quote has a stroke before it.
    for spelled in {words, json.dumps(words, ensure_ascii=False)[1:-1]}:
        for name in SEARCHED:
            says |= Q(**{f"body__{name}__icontains": spelled})
    return Q(pk__in=current.filter(says).values("case_id"))


def _matching(asked: QueryDict) -> Q:
    condition = Q()
    for name in ("split", "source"):
        if value := clean(asked, name):
            condition &= Q(**{name: value})
    if tag := clean(asked, "tag"):
        condition &= Q(tags__contains=[tag])
    if kind := clean(asked, "kind"):
        condition &= Q(kinds__contains=[kind])
    if clean(asked, "critical"):
        condition &= Q(critical=True)
    return condition


def clean(asked: QueryDict, name: str) -> str:
    return asked.get(name, "").replace("\0", "").strip()[:200]


def _by_state() -> Any:
    order = {state: place for place, state in enumerate(CaseState.values)}
    whens = [When(state=state, then=Value(place)) for state, place in order.items()]
    return Case(*whens, output_field=IntegerField())


def choices(dataset: GoldenDataset) -> dict[str, list[str]]:
    """What the filters may be set to."""
    revisions = drafts.revisions(dataset)
    tags = {tag for tags in revisions.values_list("tags", flat=True).distinct()[:2000] for tag in tags}
    return {
        "split": sorted(revisions.order_by().values_list("split", flat=True).distinct()[:50]),
        "source": sorted(revisions.order_by().values_list("source", flat=True).distinct()[:50]),
        "tag": sorted(tags)[:200],
    }


def last_results(cases: list[GoldenCase]) -> dict[int, tuple[str, Any]]:
    """When each of the cases last caught something: the latest failing result."""
    rows = (
        CaseResult.objects.filter(case__in=cases, status="fail")
        .order_by("case_id", "-run__created_at")
        .distinct("case_id")
        .values_list("case_id", "run__public_id", "run__created_at", "run__branch")
    )
    return {pk: (str(run), (branch, when)) for pk, run, when, branch in rows}


def published_in(case: GoldenCase) -> list[tuple[int, int]]:
    """(version, revision) of every version that holds the case."""
    rows = VersionEntry.objects.filter(case=case).order_by("-version__number")
    return list(rows.values_list("version__number", "revision__number"))
