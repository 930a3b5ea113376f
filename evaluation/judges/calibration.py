"""Is the judge still right, and how bad is production really? The figures of a judge version, composed.

They are a pure function of stored labels and judgments. What has been computed is kept with the watermark of
what it was computed from, so that a page does not count a million pairs again for each reader.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges import comparison
from evaluation.judges import pairs as listing
from evaluation.judges.comparison import DIMENSIONS, Comparison, Scope, Slot
from evaluation.judges.models import CalibrationPoint, Judge, JudgeVersion, Stage
from evaluation.statistics import bias, certification, correction, measures, scores
from evaluation.statistics.change import holm
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import share as plain_share
from evaluation.statistics.measures import Cell, Measures
from evaluation.statistics.weighted import Row, share

Json = dict[str, Any]
WINDOWS = {"7d": 7, "28d": 28, "90d": 90, "all": 0}
CORRECTION_WEEKS = 4
EQUAL_N = 400
LEAST_SLICE_FAILURES = 10
MOST_SLICES = 60
MOST_CHANGES = 12
PROBED_PAIRS = 5000
# Figures that took longer than this to compute may be shown that much older, while they are made anew.
# To be counted up with every change of what is computed or how, so that nothing kept before is shown.
FORM = 5
SLOW_SECONDS, SHOWN_SECONDS = 0.3, 60.0


class UnknownWindow(ValueError):
    """A window is a number of days, such as 28d, or all."""


def since(window: str) -> datetime | None:
    """The first moment of a window of whole days. Raises UnknownWindow."""
    if window in ("", "all"):
        return None
    number = window.removesuffix("d")
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:6]) <= 3650 and len(number) < 5):
        raise UnknownWindow("must be a number of days such as 28d, or all")
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=int(number))


def of(scope: Scope) -> Json:
    """The figures of the scope: kept ones where nothing has changed since, else computed and kept."""
    return of_all([scope])[scope.version.pk]


def of_all(scopes: Sequence[Scope]) -> dict[int, Json]:
    """The same for one scope each of several versions, by version; two queries where nothing has changed."""
    marks = watermarks([scope.version for scope in scopes])
    names = {scope.version.pk: _name(scope) for scope in scopes}
    kept = {
        point.version_id: point
        for point in CalibrationPoint.objects.filter(version__in=names, scope__in=set(names.values()))
        if point.scope == names[point.version_id]
    }
    found: dict[int, Json] = {}
    for scope in scopes:
        pk = scope.version.pk
        point = kept.get(pk)
        if point and (point.watermark == marks[pk] or _may_be_shown(point)):
            found[pk] = point.figures
        else:
            found[pk] = _compute_and_keep(scope, names[pk], marks[pk])
    return found


def _name(scope: Scope) -> str:
    name = f"{scope.since:%Y-%m-%d}" if scope.since else "all"
    return name + (f" {'='.join(scope.slice)}"[:300] if scope.slice else "")


def _compute_and_keep(scope: Scope, name: str, mark: str) -> Json:
    began = time.monotonic()
    figures = compute(scope)
    figures["took"] = round(time.monotonic() - began, 3)
    CalibrationPoint.objects.update_or_create(
        version=scope.version,
        scope=name,
        defaults={"watermark": mark, "figures": figures, "computed_at": Now()},
    )
    return figures


def refresh_slow(most: int = 2) -> int:
    """Make figures anew that take long, before somebody waits for them; how many. A job."""
    slow = CalibrationPoint.objects.filter(scope="all", figures__took__gt=SLOW_SECONDS)
    points = list(slow.select_related("version__judge", "version__rubric_version__rubric"))
    marks = watermarks([point.version for point in points])
    due = [point for point in points if point.watermark != marks[point.version_id]]
    for point in sorted(due, key=lambda each: each.computed_at)[:most]:
        _compute_and_keep(Scope(point.version), "all", marks[point.version_id])
    return len(due[:most])


def _may_be_shown(kept: CalibrationPoint) -> bool:
    age = (timezone.now() - kept.computed_at).total_seconds()
    is_slow = kept.figures.get("took", 0) > SLOW_SECONDS
    return is_slow and age < SHOWN_SECONDS and kept.watermark.startswith(f"{FORM}.")


def forget(versions: Iterable[JudgeVersion] | QuerySet[JudgeVersion]) -> None:
    """After something was rewritten in place, as an import does."""
    CalibrationPoint.objects.filter(version__in=versions).delete()


def watermarks(versions: Sequence[JudgeVersion]) -> dict[int, str]:
    """For each version what changes whenever anything that its figures are made of may have changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.id, (SELECT max(id) FROM reviewapp_label), (SELECT max(id) FROM reviewapp_resolution), "
            "(SELECT max(finished_at) FROM evaluation_judgment WHERE version_id = v.id), "
            "(now() AT TIME ZONE 'UTC')::date FROM unnest(%s::bigint[]) AS v (id)",
            [[version.pk for version in versions]],
        )
        marks = {pk: rest for pk, *rest in cursor.fetchall()}
    told = {}
    for version in versions:
        label, resolution, finished, day = marks[version.pk]
        told[version.pk] = (
            f"{FORM}.{label}.{resolution}.{finished and finished.timestamp()}.{day}.{version.stage}"
        )
    return told


def compute(scope: Scope) -> Json:
    """Everything, from the rows."""
    pairs = comparison.compare(scope)
    cells = [cell for _, cell in pairs.cells]
    found = measures.measure(cells)
    finding = assess(scope.version, pairs, found)
    bins = scores.reliability(pairs.scored)
    return {
        "api": _api(identity(scope.version), pairs, found, finding),
        "page": {
            "finding": {**asdict(finding), "state": finding.state.value},
            "sampling": pairs.sampling,
            "reliability": [{"score": each.mean_score, "failed": each.failed.as_dict()} for each in bins],
            "length_bias": bias.length(comparison.lengths(scope, pairs.sampling, PROBED_PAIRS)).as_dict(),
            "disagreements": listing.rows(scope, pairs.sampling),
            "what_if": what_if(pairs.scored),
            "changes": changes(pairs.cells),
            "ece": scores.calibration_error(bins),
            "raw": share([row for _, row in pairs.judged], "no judge sample").figure.as_dict(),
            "correction_reason": corrected(pairs.cells, pairs.judged).reason,
            "equal_n": equal_n(pairs.cells),
            "response": {name: list(both) for name, both in pairs.response.items()},
            "labels_only": found.base_rate.as_dict(),
        },
    }


def nothing(judge: Judge) -> Json:
    """The same keys for a judge that has no version yet."""
    none = Comparison("audit")
    found = measures.measure([])
    blank = certification.assess(found.agreement, found.tpr, found.tnr)
    return _api({"name": judge.name, "version": None, "criterion": judge.criterion}, none, found, blank)


def _api(identified: Json, pairs: Comparison, found: Measures, finding: certification.Finding) -> Json:
    named = (
        "agreement",
        "kappa",
        "ac1",
        "pabak",
        "tpr",
        "tnr",
        "precision",
        "f1",
        "mcc",
        "base_rate",
        "judged_rate",
    )
    people = measures.ceiling(pairs.units)
    return {
        "judge": identified | {"sampling": pairs.sampling},
        "state": finding.state.value,
        "n": pairs.n,
        "excluded": dict(pairs.excluded),
        "confusion": asdict(found.confusion),
        **{name: getattr(found, name).as_dict() for name in named},
        "auc": _scored(pairs, scores.auc).as_dict(),
        "brier": _scored(pairs, scores.brier).as_dict(),
        "corrected": {
            "ppi": _ppi(pairs).as_dict(),
            "rogan_gladen": _rogan_gladen(pairs).as_dict(),
        },
        "human_human": {
            "alpha": people.alpha.as_dict(),
            "kappa": people.kappa.as_dict(),
            "agreement": people.agreement.as_dict(),
        },
        "over_time": over_time(pairs),
        "slices": slices(pairs),
        "invalid": {
            "rate": plain_share(
                sum(pairs.invalid.values()), pairs.verdicts, "it has judged nothing"
            ).as_dict(),
            "count": sum(pairs.invalid.values()),
            "reasons": dict(pairs.invalid),
        },
    }


def identity(version: JudgeVersion) -> Json:
    """What is pinned, without the prompt's text and any address."""
    judge = version.judge
    return {
        "name": judge.name,
        "version": version.label,
        "number": version.number,
        "stage": version.stage,
        "kind": version.kind,
        "criterion": version.criterion,
        "meaning": version.meaning,
        "model": version.model,
        "prompt_sha256": prompt_hash(version),
        "parameters": version.parameters,
        "parser": version.parser,
        "rubric_version": version.rubric_version.number if version.rubric_version else None,
        "fingerprint": version.fingerprint,
    }


def prompt_hash(version: JudgeVersion) -> str | None:
    return hashlib.sha256(version.prompt.encode()).hexdigest() if version.prompt else None


def assess(version: JudgeVersion, pairs: Comparison, found: Measures) -> certification.Finding:
    finding = certification.assess(found.agreement, found.tpr, found.tnr, staleness(version))
    if pairs.sampling == "unknown" and finding.state is certification.State.TRUSTED:
        reason = "how these traces were chosen is unknown, so they cannot vouch for production"
        return certification.Finding(
            certification.State.CARE, (reason,), finding.more_failures, finding.more_passes
        )
    return finding


def staleness(version: JudgeVersion) -> str:
    """Why what is known of this version no longer holds, if so."""
    if version.stage == Stage.RETIRED:
        return "this version is retired"
    newest = version.certificates.order_by("-issued_at", "-pk").first()
    if newest and newest.stale_reason:
        return newest.stale_reason
    pinned = version.rubric_version
    if pinned is None:
        return ""
    rubric = (
        pinned.rubric.versions.frozen().filter(criteria__key=version.criterion).order_by("-number").first()
    )
    criterion = rubric.criteria.get(key=version.criterion) if rubric else None
    if rubric and criterion and criterion.meaning != version.meaning:
        return f"the criterion means something else since rubric version {rubric.number}"
    return ""


def _scored(pairs: Comparison, figure: Callable[[Sequence[scores.Scored]], Figure]) -> Figure:
    if not pairs.scored:
        return unknown("the judge gives no score" if pairs.n else measures.NO_PAIRS, pairs.n)
    return figure(pairs.scored)


Placed = Sequence[tuple[Slot, Cell]]


def corrected(cells: Placed, judged: Sequence[tuple[Slot, Row]]) -> correction.Corrected:
    return correction.shown(_labelled(cells), [row for _, row in judged])


def _labelled(cells: Placed) -> list[Row]:
    """The labelled rows of PPI++: people's verdict, and the judge's beside it; failure is 1."""
    rows: dict[tuple[float, float, float], int] = defaultdict(int)
    for _, cell in cells:
        rows[float(cell.human_fails), cell.weight, float(cell.judge_fails)] += cell.count
    return [Row(value, weight, n, other) for (value, weight, other), n in sorted(rows.items())]


def _ppi(pairs: Comparison) -> Figure:
    """The corrected rate, or null with the reason: what labels alone say stands in base_rate."""
    if pairs.sampling == "unknown":
        return unknown("how these traces were chosen is unknown", pairs.n)
    if not pairs.n:
        return unknown(measures.NO_PAIRS)
    found = corrected(pairs.cells, pairs.judged)
    return unknown(found.reason, pairs.n) if found.reason else found.figure


def _rogan_gladen(pairs: Comparison) -> Figure:
    if pairs.sampling == "unknown":
        return unknown("how these traces were chosen is unknown", pairs.n)
    right = [(cell.human_fails, Row(float(cell.agrees), cell.weight, cell.count)) for _, cell in pairs.cells]
    return correction.rogan_gladen_shown(
        [row for _, row in pairs.judged],
        [row for fails, row in right if fails],
        [row for fails, row in right if not fails],
    )


def over_time(pairs: Comparison) -> list[Json]:
    """A point for each calendar week that has pairs or verdicts."""
    weeks: dict[date, list[tuple[Slot, Cell]]] = defaultdict(list)
    for slot, cell in pairs.cells:
        weeks[slot.week].append((slot, cell))
    for slot, _ in pairs.judged:
        weeks.setdefault(slot.week, [])
    return [_week(week, placed, pairs) for week, placed in sorted(weeks.items())]


def _week(week: date, placed: Placed, pairs: Comparison) -> Json:
    first = week - timedelta(weeks=CORRECTION_WEEKS - 1)
    recent = [(slot, cell) for slot, cell in pairs.cells if first <= slot.week <= week]
    judged = [(slot, row) for slot, row in pairs.judged if first <= slot.week <= week]
    fixed = corrected(recent, judged) if pairs.sampling != "unknown" else None
    return {
        "from": week.isoformat(),
        "to": (week + timedelta(days=7)).isoformat(),
        **_point([cell for _, cell in placed]),
        "raw": share([row for _, row in judged], "no judge sample").figure.as_dict(),
        "corrected": fixed.figure.as_dict() if fixed else unknown("the sampling is unknown").as_dict(),
        "corrected_by": "labels" if fixed is None or fixed.reason else "ppi",
    }


def _point(cells: Sequence[Cell]) -> Json:
    found = measures.measure_shares(cells)
    return {
        "n": found.n,
        "agreement": found.agreement.as_dict(),
        "kappa": measures.kappa(cells, list(measures.kinds_of(cells))).as_dict(),
        "tpr": found.tpr.as_dict(),
        "tnr": found.tnr.as_dict(),
        "base_rate": found.base_rate.as_dict(),
        "judged_rate": found.judged_rate.as_dict(),
    }


def equal_n(cells: Placed) -> list[Json]:
    """Points of about 400 pairs each, whole weeks, the newest ones full."""
    by_week: dict[date, list[Cell]] = defaultdict(list)
    for slot, cell in cells:
        by_week[slot.week].append(cell)
    points: list[Json] = []
    collected: list[Cell] = []
    end: date | None = None
    for week in sorted(by_week, reverse=True):
        end = end or week
        collected += by_week[week]
        if sum(cell.count for cell in collected) >= EQUAL_N:
            points.append({"from": week.isoformat(), "to": end.isoformat(), **_point(collected)})
            collected, end = [], None
    return points[::-1]


def changes(cells: Placed) -> list[Json]:
    """Weeks in which a model or a prompt version is seen among the pairs for the first time."""
    first: dict[tuple[int, str], date] = {}
    for slot, _ in cells:
        for place, value in enumerate(slot.slices):
            if value and DIMENSIONS[place] != "route":
                first[place, value] = min(slot.week, first.get((place, value), slot.week))
    begin = min(first.values(), default=None)
    told = [
        {"week": week.isoformat(), "words": f"{DIMENSIONS[place].removesuffix('_version')} {value}"}
        for (place, value), week in first.items()
        if week != begin
    ]
    return sorted(told, key=lambda each: (each["week"], each["words"]))[-MOST_CHANGES:]


def slices(pairs: Comparison) -> list[Json]:
    """Each value of each dimension, worst TPR first within it; p values corrected over all that have one."""
    rows = [_slice(pairs.cells, place, value) for place, value in _values(pairs.cells)]
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    order = {name: place for place, name in enumerate(DIMENSIONS)}
    return sorted(rows, key=lambda row: (order[row["dimension"]], row["too_few"], row["tpr"]["value"] or 0.0))


def _values(cells: Placed) -> list[tuple[int, str]]:
    """Places of dimensions with their values, the most frequent first; a dimension with one value is none."""
    counts: dict[tuple[int, str], int] = defaultdict(int)
    for slot, cell in cells:
        for place, value in enumerate(slot.slices):
            if value:
                counts[place, value] += cell.count
    many = [place for place in range(len(DIMENSIONS)) if sum(p == place for p, _ in counts) > 1]
    ordered = sorted(counts, key=lambda each: (-counts[each], each))
    return [each for each in ordered if each[0] in many][:MOST_SLICES]


def _slice(cells: Placed, place: int, value: str) -> Json:
    inside = [cell for slot, cell in cells if slot.slices[place] == value]
    found = measures.measure_shares(inside)
    everywhere = measures.confusion(cell for _, cell in cells)
    failures = found.confusion.tp + found.confusion.fn
    few = failures < LEAST_SLICE_FAILURES
    return {
        "dimension": DIMENSIONS[place],
        "value": value,
        "n": found.n,
        "failures": failures,
        "false_alarms": found.confusion.fp,
        "tpr": found.tpr.as_dict(),
        "tnr": found.tnr.as_dict(),
        "agreement": found.agreement.as_dict(),
        "base_rate": found.base_rate.as_dict(),
        "too_few": few,
        "needs_failures": max(0, LEAST_SLICE_FAILURES - failures),
        "p": None if few else _differs(found.confusion, everywhere),
    }


def _differs(inside: measures.Confusion, everywhere: measures.Confusion) -> float | None:
    """Fisher's exact p that this slice's failures are missed as often as those of the others."""
    from scipy.stats import fisher_exact

    others = [everywhere.tp - inside.tp, everywhere.fn - inside.fn]
    if not sum(others):
        return None
    return float(fisher_exact([[inside.tp, inside.fn], others]).pvalue)


THRESHOLDS = tuple(step / 10 for step in range(1, 10))


def what_if(scored: Sequence[scores.Scored]) -> list[Json]:
    """What the judge would catch and spare if it failed from another score on."""
    if not scored:
        return []
    told = []
    for threshold in THRESHOLDS:
        cells = [Cell(pair.failed, pair.score >= threshold, pair.weight, pair.count) for pair in scored]
        found = measures.measure_shares(cells)
        told.append(
            {
                "threshold": threshold,
                "tpr": found.tpr.as_dict(),
                "tnr": found.tnr.as_dict(),
                "agreement": found.agreement.as_dict(),
                "judged_rate": found.judged_rate.as_dict(),
            }
        )
    return told
