"""What the page of one check shows: its slices, its newest failures, and what a change would do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from ingest.models import Project, Score
from ingest.trace_checks import tallies
from ingest.trace_checks.measured import MEASURED, Measure
from ingest.trace_checks.rehearsal import Rehearsal
from ingest.trace_checks.tallies import SLICES, Tally, Window
from ingest.trace_checks.vocabulary import Check
from reviewapp.models import Membership
from reviewapp.review.blindness import hides_in_lists
from reviewapp.trace_checks.overview import Bar, bars, failing

EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class SliceRow:
    value: str
    tally: Tally
    # Empty where the explorer has no filter for traces without that value.
    traces_query: str


@dataclass(frozen=True, slots=True)
class Page:
    check: Check
    window: Window
    tally: Tally
    trend: tuple[Bar, ...]
    measured: Measure
    slices: list[tuple[str, list[SliceRow]]]
    examples: list[Score]
    traces_query: str


def of_check(membership: Membership, check: Check, window: Window) -> Page:
    now, project = timezone.now(), membership.project
    counted = tallies.trends(project, window, now, [check.name]).get(check.name, [])
    tally = tallies.total(counted)
    return Page(
        check=check,
        window=window,
        tally=tally,
        trend=bars(counted, window, now),
        measured=MEASURED[check.name],
        slices=_slices(project, check, window, now) if tally.n else [],
        examples=_examples(membership, check, window, now) if tally.failed else [],
        traces_query=failing(check, window, now),
    )


def seen(membership: Membership, tried: Rehearsal) -> Rehearsal:
    """The same, without the traces of which this member must see no score yet; the counts stay."""
    hidden = hides_in_lists(membership, [turned.trace for turned in (*tried.newly, *tried.no_longer)])
    newly, no_longer = (
        [turned for turned in some if turned.trace.pk not in hidden]
        for some in (tried.newly, tried.no_longer)
    )
    return replace(tried, newly=newly, no_longer=no_longer)


def _slices(
    project: Project, check: Check, window: Window, now: datetime
) -> list[tuple[str, list[SliceRow]]]:
    """The slices of each column, without a column that has no value but the empty one."""
    found = tallies.by_slice(project, check.name, window, now)
    return [
        (
            label,
            [
                SliceRow(value, tally, failing(check, window, now, **{column: value}) if value else "")
                for value, tally in found[column]
            ],
        )
        for column, label in SLICES.items()
        if any(value for value, _ in found[column])
    ]


def _examples(membership: Membership, check: Check, window: Window, now: datetime) -> list[Score]:
    """The newest failures, without those of which this member must see no score yet."""
    scores = Score.objects.filter(project=membership.project, name=check.score_name, source="code", value=0)
    newest = scores.filter(trace__isnull=False).select_related("trace").order_by("-id")[: EXAMPLES * 2]
    found = [(score.trace.started_at, score.pk, score) for score in newest if score.trace]
    hidden = hides_in_lists(membership, [score.trace for _, _, score in found if score.trace])
    inside = [each for each in found if each[0] >= window.start(now) and each[2].trace_id not in hidden]
    return [score for _, _, score in sorted(inside[:EXAMPLES], reverse=True)]
