"""Which changes belong on a page or a chart? All but first sightings, with what was done about them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery

from evaluation.changes.following_up import CLOSER
from evaluation.changes.models import ChangeEvent, ChangeKind
from ingest.models import Project

# The chart finds models and prompts in the pairs themselves, and judges and rubrics in their versions.
ON_CHARTS = (ChangeKind.DEPLOY, ChangeKind.ANSWERED, ChangeKind.OTHER)
MOST = 40


def changes(project: Project | int) -> QuerySet[ChangeEvent]:
    """Without the first value of each subject, the newest first."""
    same = ChangeEvent.objects.filter(
        project=OuterRef("project"), kind=OuterRef("kind"), subject=OuterRef("subject")
    )
    first = same.order_by().values("subject").annotate(first=Min("at")).values("first")
    always = Q(kind__in=ON_CHARTS) | ~Q(told_by="")
    found = ChangeEvent.objects.of_project(project).annotate(began=Subquery(first))
    return found.filter(always | Q(at__gt=F("began"))).order_by("-at", "-pk")


def on_chart(project: Project | int, judge: str, since: date, until: date) -> list[tuple[date, str, bool]]:
    """Day, words, and whether it is of this judge: told changes, models behind aliases, closer looks."""
    begin = datetime.combine(since, datetime.min.time()).astimezone()
    end = datetime.combine(until, datetime.min.time()).astimezone() + timedelta(days=1)
    found = changes(project).filter(at__gte=begin, at__lt=end)
    found = found.filter(Q(kind__in=ON_CHARTS) | ~Q(told_by="") | Q(follow_up__startswith=CLOSER))
    told = []
    for event in found[:MOST]:
        of_judge = event.kind == ChangeKind.ANSWERED
        if of_judge and not event.subject.startswith(f"{judge} "):
            continue
        told.append((event.at.date(), _words(event, judge), of_judge))
    return told


def _words(event: ChangeEvent, judge: str) -> str:
    """Of the judge's own versions the chart tells by itself that they went live."""
    closer = event.follow_up.startswith(CLOSER)
    if closer and event.kind == ChangeKind.JUDGE and event.subject == judge:
        return f"looked at closer for {event.value}"
    words = event.words or f"{event.kind} {event.value}"
    return f"{words} (looked at closer)" if closer else words
