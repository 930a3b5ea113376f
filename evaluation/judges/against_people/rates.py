"""How much of production fails in each slice, and is a change of the whole one of its mix or of its parts?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from evaluation.judges.against_people.breakdowns import CORRECTION_WEEKS, Placed, corrected
from evaluation.judges.against_people.comparison import Comparison
from evaluation.judges.against_people.statements import DIMENSIONS
from evaluation.statistics.change import difference, kitagawa
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.weighted import Row, share
from ingest.json_objects import Json

ROUTE = DIMENSIONS.index("route")
SPAN = timedelta(weeks=CORRECTION_WEEKS)
UNKNOWN_SAMPLING = "how these traces were chosen is unknown"


def beside(slices: Sequence[Json], pairs: Comparison) -> list[Json]:
    """Slices with the corrected rate of each, or what labels alone say and why, and with the judge's own."""
    return [row | _rates(pairs, DIMENSIONS.index(row["dimension"]), row["value"]) for row in slices]


def _rates(pairs: Comparison, place: int, value: str) -> Json:
    judged = [each for each in pairs.judged if each[0].slices[place] == value]
    found = corrected([each for each in pairs.cells if each[0].slices[place] == value], judged)
    known = pairs.sampling != "unknown"
    return {
        "corrected": (found.figure if known else unknown(UNKNOWN_SAMPLING, found.figure.n)).as_dict(),
        "corrected_by": "labels" if found.reason else "ppi",
        "labels_only": found.reason,
        "raw": share([row for _, row in judged], "no judge sample").figure.as_dict(),
    }


def change(cells: Placed) -> Json | None:
    """People's fail rate of the last four weeks less that of the four before, in two parts (Kitagawa): other
    shares of the routes, and other rates within them. None where either has too few labels."""
    if not cells:
        return None
    last = max(slot.week for slot, _ in cells)
    since, before = _within(cells, last - SPAN, last), _within(cells, last - 2 * SPAN, last - SPAN)
    now, was = _whole(since), _whole(before)
    gap = difference(was, now)
    if gap.value is None:
        return None
    split = kitagawa(_parts(since), _parts(before))
    return {
        "gap": gap.as_dict(),
        "before": was.as_dict(),
        "since": now.as_dict(),
        "mix": split.mix,
        "within": split.within,
        "only_since": list(split.only_online),
        "only_before": list(split.only_offline),
    }


def _within(cells: Placed, after: date, until: date) -> Mapping[str, list[Row]]:
    """What people said in these weeks, by route."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for slot, cell in cells:
        if after < slot.week <= until:
            rows[slot.slices[ROUTE]].append(Row(float(cell.human_fails), cell.weight, cell.count))
    return rows


def _whole(by_route: Mapping[str, Sequence[Row]]) -> Figure:
    return share([row for rows in by_route.values() for row in rows]).figure


def _parts(by_route: Mapping[str, Sequence[Row]]) -> dict[str, tuple[float, float]]:
    """By route its share of production and its fail rate."""
    weights = {route: sum(row.weight * row.count for row in rows) for route, rows in by_route.items()}
    total = sum(weights.values())
    return {
        route: (weights[route] / total, share(rows).figure.value or 0.0) for route, rows in by_route.items()
    }
