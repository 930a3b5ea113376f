"""How do a judge's figures vary over time and slices, and what if it failed from a different score on?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from evaluation.judges.against_people.comparison import Comparison, Slot
from evaluation.judges.against_people.statements import DIMENSIONS
from evaluation.statistics import correction, measures, scores
from evaluation.statistics.change import holm
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import confidence_sequence
from evaluation.statistics.measures import Cell
from evaluation.statistics.weighted import Row, share, warnings_of
from ingest.json_objects import Json
from reviewapp import figures
from reviewapp.review.response import LEAST as LEAST_ANSWERED

CORRECTION_WEEKS = 4
EQUAL_N = 400
LEAST_SLICE_FAILURES = 10
MOST_SLICES = 60
MOST_CHANGES = 12

Placed = Sequence[tuple[Slot, Cell]]


def corrected(cells: Placed, judged: Sequence[tuple[Slot, Row]]) -> correction.Corrected:
    return correction.shown(_labelled(cells), [row for _, row in judged])


def _labelled(cells: Placed) -> list[Row]:
    """The labelled rows of PPI++: people's verdict, and the judge's beside it; failure is 1."""
    rows: dict[tuple[float, float, float], int] = defaultdict(int)
    for _, cell in cells:
        rows[float(cell.human_fails), cell.weight, float(cell.judge_fails)] += cell.count
    return [Row(value, weight, n, other) for (value, weight, other), n in sorted(rows.items())]


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


def recent(cells: Placed) -> Figure:
    """Agreement in the last four calendar weeks up to the newest pair: years of being right hide no fall."""
    last = max((slot.week for slot, _ in cells), default=date.min)
    within = [cell for slot, cell in cells if (last - slot.week).days < 7 * CORRECTION_WEEKS]
    return measures.measure_shares(within).agreement


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


def always(cells: Placed) -> dict[str, Json]:
    """The shares with limits that hold however often somebody looks, at the effective sample size of their
    weights; of equal weights exactly the confidence sequence of the counts."""
    kinds = {"tpr": (True,), "tnr": (False,), "agreement": (True, False)}
    return {name: _always(cells, people).as_dict() for name, people in kinds.items()}


def _always(cells: Placed, people_fail: tuple[bool, ...]) -> Figure:
    rows = [Row(float(c.agrees), c.weight, c.count) for _, c in cells if c.human_fails in people_fail]
    return share(rows).within(lambda value, n: confidence_sequence(value * n, n))


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


def strata(pairs: Comparison) -> list[Json]:
    """How each stratum was drawn and answered, with what a reader has to know of it; the largest first."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    for _, cell in pairs.cells:
        cells[cell.stratum].append(cell)
    ordered = sorted(pairs.response.items(), key=lambda each: (-each[1][0], each[0]))
    return [_stratum(name, drawn, answered, cells[name]) for name, (drawn, answered) in ordered]


def _stratum(name: str, drawn: int, answered: int, cells: Sequence[Cell]) -> Json:
    n = sum(cell.count for cell in cells)
    low = [f"under {figures.percent(LEAST_ANSWERED)} answered"] if answered < LEAST_ANSWERED * drawn else []
    warnings = [*low, *warnings_of(n, [cell.weight for cell in cells])]
    return {"stratum": name, "drawn": drawn, "answered": answered, "n": n, "warnings": warnings}


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
    steps: dict[tuple[bool, int], list[scores.Scored]] = defaultdict(list)
    for pair in scored:
        steps[pair.failed, bisect_right(THRESHOLDS, pair.score)].append(pair)
    sums = [(failed, step, _together(some)) for (failed, step), some in sorted(steps.items())]
    return [_threshold(place, sums) for place in range(len(THRESHOLDS))] if scored else []


def _together(pairs: Sequence[scores.Scored]) -> Row:
    """Pairs that fall on the same side of every threshold, as one."""
    n = sum(pair.count for pair in pairs)
    weight = math.fsum(pair.weight * pair.count for pair in pairs) / n
    return Row(0.0, weight, n, squares=math.fsum(pair.row(0.0).square for pair in pairs))


def _threshold(place: int, sums: Sequence[tuple[bool, int, Row]]) -> Json:
    said = [(failed, step > place, row) for failed, step, row in sums]
    agree = [(failed, replace(row, value=float(failed == fails))) for failed, fails, row in said]
    return {
        "threshold": THRESHOLDS[place],
        "behind": {
            "fn": sum(row.count for failed, fails, row in said if failed and not fails),
            "fp": sum(row.count for failed, fails, row in said if fails and not failed),
            "judge-fails": sum(row.count for _, fails, row in said if fails),
        },
        "tpr": share([row for failed, row in agree if failed], "no labelled failures").figure.as_dict(),
        "tnr": share([row for failed, row in agree if not failed], "no labelled passes").figure.as_dict(),
        "agreement": share([row for _, row in agree]).figure.as_dict(),
        "judged_rate": share([replace(row, value=float(fails)) for _, fails, row in said]).figure.as_dict(),
    }
