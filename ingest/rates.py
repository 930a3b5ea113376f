"""How much of each stratum is audited and judged, who set that, and what a week of it yields.

A rate is changed by a new row and holds for traces seen from then on. A stratum for which nobody has set a
rate is kept at about a hundred audited traces a day, by a job that writes such rows too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from ingest import sampling
from ingest.intervals import wilson
from ingest.models import Cause, Project, SamplingRate
from ingest.routing.facts import EXCLUDED_ENVIRONMENTS

LABELS_A_DAY = 100
JUDGE_SHARE = 0.1
WINDOW = timedelta(days=7)
# Of more traces than this a day is counted, not a week.
MANY = 200_000
SHORTEST = timedelta(hours=1)
A_DAY = timedelta(days=1)
# A stratum's volume has to change so much, as a factor, for a new row.
WORTH_A_ROW = 1.2
MOST_STRATA = 2_000
TURN_SECONDS = 5.0
# What the widths are told for: a tenth of the traces fail; a judge that finds half of the failures.
FAILURE_RATE = 0.1
WORST_TPR = 0.5


class Refused(ValueError):
    """A rate or boost that cannot be set, with a message for the user."""


@dataclass(frozen=True, slots=True)
class Volume:
    stratum: str
    traces: int
    per_day: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What rates give at a volume: labels and judgments a day, half-widths of 95 % intervals in a week."""

    labels_a_day: float
    judged_a_day: float
    rate_width: float | None
    tpr_width: float | None


@dataclass(frozen=True, slots=True)
class Stratum:
    name: str
    per_day: float
    audit: float
    judge: float
    rate: SamplingRate | None
    # The end of a boost or another row that is still to come into force.
    coming: SamplingRate | None
    effect: Effect

    @property
    def judged(self) -> float:
        """The judges' share as far as there is room for it: they get none of what is audited."""
        return max(0.0, min(self.judge, 1 - self.audit))

    @property
    def kept_by(self) -> str:
        return "" if self.rate is None else self.rate.cause


def suggested(per_day: float) -> tuple[float, float]:
    """The shares that a volume asks for: a = min(1, 100 / traces per day), and a tenth for the judges."""
    audit = min(1.0, float(f"{LABELS_A_DAY / per_day:.3g}")) if per_day > LABELS_A_DAY else 1.0
    return audit, min(JUDGE_SHARE, round(1 - audit, 6)) if audit < 1 else JUDGE_SHARE


def effect(per_day: float, audit: float, judge: float) -> Effect:
    labels = per_day * audit
    week = labels * WINDOW.days
    return Effect(
        labels_a_day=labels,
        judged_a_day=per_day * min(judge, 1 - audit),
        rate_width=half_width(FAILURE_RATE, week),
        tpr_width=half_width(WORST_TPR, week * FAILURE_RATE),
    )


def half_width(share: float, n: float) -> float | None:
    """Half of Wilson's 95 % interval for a share seen in n; None where n is less than one."""
    if n < 1:
        return None
    low, high = wilson(share, n)
    return (high - low) / 2


def volumes(project: Project) -> list[Volume]:
    """Traces a day of each stratum over the last week (of very many, the last day), the largest first."""
    with connection.cursor() as cursor:
        recent = (
            "FROM ingest_trace WHERE project_id = %s AND started_at >= now() - %s AND started_at <= now()"
        )
        asked: list[Any] = [project.pk, WINDOW]
        cursor.execute(f"SELECT count(*) {recent}", asked)
        (count,) = cursor.fetchone()
        if count > MANY:
            asked[1] = A_DAY
        cursor.execute(f"SELECT extract(epoch FROM now() - min(started_at)) {recent}", asked)
        (seconds,) = cursor.fetchone()
        excluded = sorted(EXCLUDED_ENVIRONMENTS)
        cursor.execute(
            f"SELECT route, count(*) {recent} AND lower(btrim(environment)) <> ALL(%s) "
            "GROUP BY route ORDER BY count(*) DESC, route LIMIT %s",
            [*asked, excluded, MOST_STRATA],
        )
        rows = cursor.fetchall()
    days = max(float(seconds or 0), SHORTEST.total_seconds()) / A_DAY.total_seconds()
    return [Volume(route, number, number / days) for route, number in rows]


def strata(project: Project) -> list[Stratum]:
    """Every stratum with traffic or a rate, the largest first."""
    now = _now()
    known = {volume.stratum: volume.per_day for volume in volumes(project)}
    in_force, coming = _rates(project, now)
    names = [*known, *sorted(set(in_force) - set(known))]
    return [_stratum(name, known.get(name, 0.0), in_force.get(name), coming.get(name)) for name in names]


def stratum(project: Project, name: str) -> Stratum:
    """One stratum, also one without traffic."""
    found = {each.name: each for each in strata(project)}
    return found.get(name) or _stratum(name, 0.0, None, None)


def history(project: Project) -> QuerySet[SamplingRate]:
    return SamplingRate.objects.filter(project=project).order_by("-effective_from", "-id")


def set_by_hand(
    project: Project, name: str, audit: float, judge: float, *, by: str, reason: str = ""
) -> SamplingRate:
    """From now on, and until someone changes it: the daily job leaves it alone. Raises Refused."""
    _check_shares(audit, judge)
    with transaction.atomic():
        return _write(project, name, (audit, judge), Cause.MANUAL, by, reason or "set by hand")


def hand_back(project: Project, name: str, *, by: str) -> SamplingRate:
    """Keep a stratum by its volume again."""
    volume = {each.stratum: each.per_day for each in volumes(project)}.get(name, 0.0)
    with transaction.atomic():
        return _write(project, name, suggested(volume), Cause.DAILY, by, _reason(volume))


def boost(
    project: Project,
    name: str,
    factor: float,
    hours: float,
    *,
    by: str,
    reason: str = "",
    judged: float = 0.0,
) -> None:
    """Multiply a stratum's audit rate for some hours, and let judges see at least the share `judged` of all
    its traces meanwhile: one row forward and one back. Raises Refused."""
    if not 1 < factor <= 1000:
        raise Refused("The factor must be greater than 1 and at most 1000.")
    if not 0 < hours <= 24 * 31:
        raise Refused("A boost lasts at most 31 days.")
    with transaction.atomic():
        _lock(project)
        now = _now()
        in_force, coming = _rates(project, now)
        if name in coming:
            raise Refused("A boost is running. Wait until it ends, or set a rate by hand.")
        before = sampling.shares(in_force.get(name))
        audit = min(1.0, before[0] * factor)
        judge = max(min(before[1], round(1 - audit, 6)), min(judged, 1.0) - audit)
        if audit <= before[0] and judge <= before[1]:
            raise Refused("Every trace is already audited." if before[0] else "Nothing is audited here.")
        words = f"{factor:g} times for {hours:g} h" + (f": {reason}" if reason else "")
        _insert(project, name, (audit, round(judge, 6)), Cause.BOOST, by, words, now)
        ended = now + timedelta(hours=hours)
        _insert(project, name, before, Cause.BOOST_END, by, f"the boost is over, {words}", ended)


def keep_daily(seconds: float = TURN_SECONDS) -> int:
    """Adapt the strata that are kept by volume; how many rows were written. Safe to run at any time.

    Projects come in any order, so that none is always the one for which no time is left.
    """
    written, end = 0, time.monotonic() + seconds
    for project in Project.objects.only("pk").order_by("?"):
        written += _keep(project)
        if time.monotonic() > end:
            break
    return written


def _keep(project: Project) -> int:
    found = volumes(project)
    with transaction.atomic():
        _lock(project)
        now = _now()
        in_force, coming = _rates(project, now)
        set_by_hand = _by_hand(project, now)
        written = 0
        for volume in found:
            name = volume.stratum
            rate = in_force.get(name)
            if name in coming or name in set_by_hand or (rate and now - rate.effective_from < A_DAY):
                continue
            shares = suggested(volume.per_day)
            if _is_worth_a_row(sampling.shares(rate), shares):
                _insert(project, name, shares, Cause.DAILY, "", _reason(volume.per_day), now)
                written += 1
        return written


def _is_worth_a_row(old: tuple[float, float], new: tuple[float, float]) -> bool:
    least, most = sorted((old[0], new[0]))
    return most > least * WORTH_A_ROW or (most == 1 > least)


def _by_hand(project: Project, now: datetime) -> set[str]:
    """The strata whose newest word, boosts aside, is a person's."""
    rates = SamplingRate.objects.filter(project=project, effective_from__lte=now)
    words = rates.filter(cause__in=(Cause.MANUAL, Cause.DAILY)).order_by("stratum", "-effective_from")
    newest = words.distinct("stratum").values_list("stratum", "cause")
    return {name for name, cause in newest if cause == Cause.MANUAL}


def _rates(project: Project, now: datetime) -> tuple[dict[str, SamplingRate], dict[str, SamplingRate]]:
    """The rates in force, and the last ones still to come, by stratum."""
    rates = SamplingRate.objects.filter(project=project)
    newest = rates.order_by("stratum", "-effective_from").distinct("stratum")
    in_force = {rate.stratum: rate for rate in newest.filter(effective_from__lte=now)}
    coming = {rate.stratum: rate for rate in newest.filter(effective_from__gt=now)}
    return in_force, coming


def _write(
    project: Project, name: str, shares: tuple[float, float], cause: Cause, by: str, reason: str
) -> SamplingRate:
    """A row from now on, and if another is still to come, the same again the moment after it."""
    _lock(project)
    now = _now()
    if later := _rates(project, now)[1].get(name):
        after = later.effective_from + timedelta(microseconds=1)
        _insert(project, name, shares, cause, by, reason, after)
    return _insert(project, name, shares, cause, by, reason, now)


def _insert(
    project: Project,
    name: str,
    shares: tuple[float, float],
    cause: Cause,
    by: str,
    reason: str,
    effective_from: datetime,
) -> SamplingRate:
    return SamplingRate.objects.create(
        project=project,
        stratum=name[:200],
        audit=shares[0],
        judge=shares[1],
        cause=cause,
        set_by=by[:150],
        reason=reason[:500],
        effective_from=effective_from,
    )


def _stratum(name: str, per_day: float, rate: SamplingRate | None, coming: SamplingRate | None) -> Stratum:
    audit, judge = sampling.shares(rate)
    return Stratum(name, per_day, audit, judge, rate, coming, effect(per_day, audit, judge))


def _check_shares(audit: float, judge: float) -> None:
    if not (0 <= audit <= 1 and 0 <= judge <= 1):
        raise Refused("Shares lie between 0 and 1.")


def _reason(per_day: float) -> str:
    return f"about {LABELS_A_DAY} labels a day of {per_day:,.0f} traces a day"


def _lock(project: Project) -> None:
    Project.objects.select_for_update(no_key=True).only("pk").get(pk=project.pk)


def _now() -> datetime:
    """The database's clock, which also says when a trace was first seen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: Sequence[Any] = cursor.fetchone()
        moment: datetime = row[0]
        return moment
