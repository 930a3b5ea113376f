"""Which figures are at hand? Those computed before, beside the watermark of what they were computed from.

Figures of few rows are computed when somebody asks and anything has changed. Those of many rows are computed
by the worker: a page shows the last ones with the time they are of, and never waits.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges.against_people import behind
from evaluation.judges.against_people.behind import Asked
from evaluation.judges.against_people.statements import Scope, parse_slice
from evaluation.judges.making import versions as judge_versions
from evaluation.judges.models import CalibrationPoint, JudgeVersion, Stage
from evaluation.judges.trust import calibration
from ingest.json_objects import Json

# To be counted up with every change of what is computed or how, so that nothing kept before is shown.
FORM = 16
# Judgments of the version, or items of the project, from which on the worker computes.
MANY = 20_000
# The worker recomputes after this multiple of the time it took, and after this many seconds at least.
REST, LEAST_REST = 20.0, 60.0
# A transaction that was under way when the watermark was read has ended by then.
GRACE = timedelta(seconds=30)
# Any number of our own, beside that of the point: one worker at a time computes it.
LOCK = 7321
LOOKED_AT, FORGOTTEN = timedelta(minutes=1), timedelta(days=2)
# The scope of all that a version judged, and that of a judge of pairs (kept_pairs).
WHOLE, PAIRS = "all", "pairs"


@dataclass(frozen=True, slots=True)
class Kept:
    """`figures` is None until the worker has computed them; `is_old` when something has changed since."""

    figures: Json | None
    at: datetime | None = None
    is_old: bool = False
    point: int | None = None

    def rows(self, asked: Asked) -> list[Any] | None:
        """A page of a list where it was kept; None: count it out. Past the kept ones there is nothing."""
        if self.point is None or self.figures is None:
            return None
        if not self.figures["is_large"]:
            return None if asked != behind.FIRST else self.figures["first"]
        if asked.at is None:
            return self._listed(asked.name, asked.start, asked.start + behind.PAGE)
        lists = [self._listed(name, 0, behind.KEPT_FURTHER) for name in behind.source(asked)]
        return behind.at_threshold(asked, lists, self.figures["page"]["what_if"])

    def most(self, asked: Asked) -> int | None:
        """How many rows of a list can be read; None: all of them."""
        return behind.most(asked) if self.figures and self.figures["is_large"] else None

    def every_disagreement(self) -> list[Any] | None:
        """As many as are kept of a large scope; None: count them out."""
        return self._listed("", 0, behind.KEPT) if self.figures and self.figures["is_large"] else None

    def _listed(self, name: str, start: int, end: int) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT x.value FROM evaluation_calibrationpoint p, "
                "jsonb_array_elements(p.listed -> %s) WITH ORDINALITY x (value, place) "
                "WHERE p.id = %s AND x.place > %s AND x.place <= %s ORDER BY x.place",
                [name, self.point, start, end],
            )
            return [json.loads(value) for (value,) in cursor.fetchall()]


def look(scope: Scope) -> Kept:
    """For a page: what is kept, or computed at once where that is quick."""
    return look_all([scope])[scope.version.pk]


def look_all(scopes: Sequence[Scope]) -> dict[int, Kept]:
    """The same for one scope each of several versions, by version; two queries where nothing has changed."""
    marks = watermarks([scope.version for scope in scopes])
    points = _points(scopes)
    return {
        scope.version.pk: _look(scope, points.get(scope.version.pk), marks[scope.version.pk])
        for scope in scopes
    }


def last(version: JudgeVersion) -> Kept | None:
    """What was computed last of all that the version judged, however old; None: nothing that can be read."""
    found = CalibrationPoint.objects.filter(version=version, scope=name_of(Scope(version)))
    point = found.filter(watermark__startswith=f"{FORM}.").defer("listed").first()
    return Kept(point.figures, point.computed_at, point=point.pk) if point and point.figures else None


def has_any(version: JudgeVersion) -> bool:
    """Whether figures of all that it judged were ever computed, in whatever form."""
    return CalibrationPoint.objects.filter(version=version, scope=WHOLE).exclude(figures={}).exists()


def of(scope: Scope) -> Json:
    """For what is decided by them: the figures of now, or of as long ago as computing them again may wait."""
    mark = watermarks([scope.version])[scope.version.pk]
    point = _points([scope]).get(scope.version.pk)
    if point and point.figures and (_is_fresh(point, mark) or _rests(point)):
        figures: Json = point.figures
        return figures
    return dict(_compute(scope, mark).figures)


def _look(scope: Scope, point: CalibrationPoint | None, mark: str) -> Kept:
    if point and point.figures and _is_fresh(point, mark):
        return Kept(point.figures, point.computed_at, point=point.pk)
    if not _is_large(scope, point):
        point = _compute(scope, mark)
        return Kept(point.figures, point.computed_at, point=point.pk)
    point = point or _wanted(scope)
    CalibrationPoint.objects.filter(Q(asked_at=None) | Q(asked_at__lt=Now() - LOOKED_AT), pk=point.pk).update(
        asked_at=Now()
    )
    is_readable = bool(point.figures) and point.watermark.startswith(f"{FORM}.")
    return Kept(point.figures if is_readable else None, point.computed_at, is_readable, point.pk)


def _points(scopes: Sequence[Scope]) -> dict[int, CalibrationPoint]:
    names = {scope.version.pk: name_of(scope) for scope in scopes}
    found = CalibrationPoint.objects.filter(version__in=names, scope__in=set(names.values())).defer("listed")
    return {point.version_id: point for point in found if point.scope == names[point.version_id]}


def name_of(scope: Scope) -> str:
    within = "=".join(scope.slice) if scope.slice else ""
    if len(within) > 300:
        within = hashlib.sha256(within.encode()).hexdigest()
    return f"{scope.since:%Y-%m-%d} {within}".strip() if scope.since else f"{WHOLE} {within}".strip()


def _is_fresh(point: CalibrationPoint, mark: str) -> bool:
    """Of this watermark, and computed once more after all that was under way when it was first seen."""
    if point.watermark != mark:
        return False
    settled = point.marked_at + GRACE
    return point.computed_at >= settled or timezone.now() < settled


def _rests(point: CalibrationPoint) -> bool:
    if not point.figures["is_large"] or not point.watermark.startswith(f"{FORM}."):
        return False
    rest = max(LEAST_REST, REST * float(point.figures["took"]))
    return (timezone.now() - point.computed_at).total_seconds() < rest


def _is_large(scope: Scope, point: CalibrationPoint | None) -> bool:
    if point and (not point.figures or point.figures.get("is_large")):
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM (SELECT FROM evaluation_judgment WHERE version_id = %(version)s "
            "LIMIT %(many)s) j) >= %(many)s OR (SELECT count(*) FROM (SELECT FROM reviewapp_reviewitem i "
            "JOIN reviewapp_queue q ON q.id = i.queue_id WHERE q.project_id = %(project)s LIMIT %(many)s) i) "
            ">= %(many)s",
            {"version": scope.version.pk, "project": scope.version.judge.project_id, "many": MANY},
        )
        return bool(cursor.fetchone()[0])


def _wanted(scope: Scope) -> CalibrationPoint:
    """A row without figures, which asks the worker for them."""
    point, _ = CalibrationPoint.objects.get_or_create(
        version=scope.version,
        scope=name_of(scope),
        defaults={"figures": {}, "watermark": "", **_place(scope)},
    )
    return point


def _place(scope: Scope) -> Json:
    return {"since": scope.since, "within": "=".join(scope.slice) if scope.slice else ""}


def _compute(scope: Scope, mark: str) -> CalibrationPoint:
    is_large = _is_large(scope, None)
    began, at = time.monotonic(), timezone.now()
    figures = calibration.compute(scope, is_large=is_large)
    listed = figures.pop("listed")
    figures |= {
        "took": round(time.monotonic() - began, 3),
        "is_large": is_large,
        "first": listed[""][: behind.PAGE],
    }
    same = CalibrationPoint.objects.filter(version=scope.version, scope=name_of(scope), watermark=mark)
    marked_at = same.values_list("marked_at", flat=True).first() or at
    values = {
        "watermark": mark,
        "figures": figures,
        "computed_at": at,
        "marked_at": marked_at,
        "listed": listed if is_large else {},
        **_place(scope),
    }
    point, _ = CalibrationPoint.objects.update_or_create(
        version=scope.version, scope=name_of(scope), defaults=values
    )
    return point


def refresh(seconds: float = 4.0) -> int:
    """Compute what is large, asked for and no longer true; how many. A job: it may run twice."""
    end, done = time.monotonic() + seconds, 0
    CalibrationPoint.objects.filter(Q(asked_at=None) | Q(asked_at__lt=Now() - FORGOTTEN)).filter(
        computed_at__lt=Now() - FORGOTTEN
    ).exclude(scope__in=(WHOLE, PAIRS)).delete()
    for point in _due():
        if time.monotonic() >= end:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, point.pk % 2**31])
            if cursor.fetchone()[0]:
                mark = watermarks([point.version])[point.version_id]
                _compute(Scope(point.version, point.since, parse_slice(point.within)), mark)
                done += 1
    return done


def _due() -> list[CalibrationPoint]:
    """Those never computed first, then the oldest; of live versions also what nobody has looked at."""
    large = Q(figures={}) | Q(figures__is_large=True)
    asked = Q(asked_at__gt=Now() - FORGOTTEN) | Q(scope=WHOLE, version__stage=Stage.LIVE)
    points = list(
        CalibrationPoint.objects.filter(large, asked)
        .select_related("version__judge", "version__rubric_version__rubric")
        .defer("listed")
        .order_by(F("computed_at").asc())
    )
    marks = watermarks([point.version for point in points])
    due = [
        point
        for point in points
        if not point.figures or not (_is_fresh(point, marks[point.version_id]) or _rests(point))
    ]
    return sorted(due, key=lambda point: bool(point.figures))


def forget(versions: Iterable[JudgeVersion] | QuerySet[JudgeVersion]) -> None:
    """After something was rewritten in place, as an import does."""
    CalibrationPoint.objects.filter(version__in=versions).delete()


def watermarks(versions: Sequence[JudgeVersion]) -> dict[int, str]:
    """For each version what changes whenever anything that its figures are made of may have changed.

    Labels and decisions are only appended; items come, are skipped and removed; verdicts come; a day begins.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.id, (SELECT max(id) FROM reviewapp_label), (SELECT max(id) FROM reviewapp_resolution), "
            "(SELECT max(id) FROM reviewapp_reviewitem), (SELECT max(skipped_at) FROM reviewapp_assignment), "
            "(SELECT max(removed_at) FROM reviewapp_reviewitem), "
            "(SELECT max(finished_at) FROM evaluation_judgment WHERE version_id = v.id), "
            "(SELECT max(frozen_at) FROM reviewapp_rubricversion), "
            "(SELECT count(*) FROM ingest_apitoken WHERE trusted_for_reviews), "
            "(SELECT max(id) FROM evaluation_certificate WHERE version_id = v.id "
            "AND (stale_reason <> '' OR issued_by <> '')), "
            "(SELECT max(s.frozen_at) FROM evaluation_anchorset s JOIN evaluation_judgeversion w "
            "ON w.judge_id = s.judge_id WHERE w.id = v.id), "
            # The live version that another one is compared with, and when it judged last.
            "(SELECT concat(live.id, ' ', (SELECT max(finished_at) FROM evaluation_judgment "
            "WHERE version_id = live.id)) FROM evaluation_judgeversion own JOIN evaluation_judgeversion live "
            "ON live.judge_id = own.judge_id AND live.stage = 'live' "
            "WHERE own.id = v.id AND own.stage <> 'live' LIMIT 1), "
            "(now() AT TIME ZONE 'UTC')::date FROM unnest(%s::bigint[]) AS v (id)",
            [[version.pk for version in versions]],
        )
        marks = {pk: rest for pk, *rest in cursor.fetchall()}
    return {version.pk: _mark(marks[version.pk], version) for version in versions}


def _mark(parts: Sequence[Any], version: JudgeVersion) -> str:
    told = [part.astimezone(UTC).isoformat() if isinstance(part, datetime) else str(part) for part in parts]
    told += [version.stage, judge_versions.departed(version)]
    return f"{FORM}." + hashlib.sha256(" ".join(told).encode()).hexdigest()[:40]
