"""Where do lines and marks of the calibration page's charts stand? Agreement, the failure rate, changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from string import ascii_lowercase

from evaluation.changes import telling
from evaluation.judges.against_people.breakdowns import CORRECTION_WEEKS
from evaluation.judges.judgments import answered
from evaluation.judges.models import JudgeVersion
from evaluation.weeks import datum
from ingest.json_objects import Json
from reviewapp import figures
from reviewapp.trends import Datum, Trend, trend

MEASURES = {"kappa": "κ", "tpr": "TPR", "tnr": "TNR", "agreement": "agreement"}
MOST_MARKERS = 12
WEEK = timedelta(days=7)


def agreement_chart(told: Json, measure: str, version: JudgeVersion) -> Trend:
    """With what people reach among themselves where it is known: no judge can be held to more.

    The line breaks where another model began to answer in the version's name.
    """
    points = told["over_time"]
    first = _first_after([at.date() for at, *_ in answered.changed(version)], points)
    people = told["human_human"].get(measure, {}).get("value")
    level = None if people is None else (people, f"people {figures.decimals(people)}")
    line = [
        replace(
            _datum(point, point[measure], 1, **drawn(told)),
            note=_percent(point["base_rate"]["value"]),
            breaks=point["from"] in first,
        )
        for point in points
    ]
    return trend([line], least=-1.0, level=level, names=[_end(MEASURES[measure], line)])


def _first_after(days: Sequence[date], points: Sequence[Json]) -> set[str]:
    """The weeks most of which come after one of these days, the first of each."""
    mondays = [date.fromisoformat(point["from"]) for point in points]
    later = (next((week for week in mondays if week + WEEK / 2 > day), None) for day in days)
    return {week.isoformat() for week in later if week}


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that changed, at its place along a chart; the letter leads to the words below."""

    x: float
    letter: str
    day: date
    words: str
    of_judge: bool


def weeks(told: Json) -> list[tuple[Json, str]]:
    """Each point of the chart, and the query that leads to the traces behind it."""
    kept = drawn(told)
    return [(point, _datum(point, point["agreement"], 1, **kept).query) for point in told["over_time"]]


def unsteady(told: Json, out: Sequence[Json]) -> list[Json]:
    """Weeks outside their limits, with their names and the queries that lead to their traces."""
    known = {
        point["from"]: _datum(point, point["agreement"], 1, **drawn(told)) for point in told["over_time"]
    }
    return [
        {**week, "label": known[week["from"]].label, "query": known[week["from"]].query}
        for week in out
        if week["from"] in known
    ]


def markers(told: Json, chart: Trend, changed: Sequence[Json], version: JudgeVersion) -> list[Marker]:
    """What changed in the weeks of the chart: models and prompts that the pairs show, judge and rubric."""
    mondays = [date.fromisoformat(point["from"]) for point in told["over_time"]]
    if not mondays:
        return []
    found = [(date.fromisoformat(each["week"]), each["words"], False) for each in changed]
    judge = version.judge.versions.exclude(live_at=None).values_list("live_at", "label")
    found += [(at.date(), f"judge {label} live", True) for at, label in judge if at]
    if version.rubric_version:
        rubric = version.rubric_version.rubric.versions.exclude(frozen_at=None)
        found += [
            (at.date(), f"rubric v{n}", True) for at, n in rubric.values_list("frozen_at", "number") if at
        ]
    found += telling.on_chart(version.judge.project_id, version.judge.name, mondays[0], mondays[-1] + WEEK)
    days: dict[date, list[tuple[str, bool]]] = {}
    for day, words, of_judge in sorted(found):
        if mondays[0] < day < mondays[-1] + WEEK:
            days.setdefault(day, []).append((words, of_judge))
    return [
        Marker(
            _along(day, mondays, chart),
            ascii_lowercase[place],
            day,
            ", ".join(words for words, _ in here),
            any(of_judge for _, of_judge in here),
        )
        for place, (day, here) in enumerate(list(days.items())[-MOST_MARKERS:])
    ]


def _along(day: date, mondays: Sequence[date], chart: Trend) -> float:
    """Halfway between two weeks is where one ends and the next begins."""
    place = max(index for index, week in enumerate(mondays) if week <= day)
    xs = [each.x for each in chart.places]
    step = xs[1] - xs[0] if len(xs) > 1 else 0.0
    return round(min(100.0, max(0.0, xs[place] + step * ((day - mondays[place]).days / 7 - 0.5))), 2)


def rate_chart(told: Json) -> Trend:
    """The corrected rate, and the raw one beside it; each point is of four weeks."""
    points = told["over_time"]
    lines = [
        [_datum(point, point["corrected"], CORRECTION_WEEKS) for point in points],
        [_datum(point, {**point["raw"], "low": None, "high": None}, CORRECTION_WEEKS) for point in points],
    ]
    named = zip(("corrected", "raw"), lines, strict=True)
    return trend(lines, names=[_end(name, line, figures.percent) for name, line in named])


def _datum(point: Json, figure: Json, weeks: int = 1, **filters: str) -> Datum:
    last = date.fromisoformat(point["to"]) - timedelta(days=1)
    return datum(date.fromisoformat(point["from"]), last, figure, weeks=weeks, **filters)


def drawn(told: Json) -> dict[str, str]:
    """What narrows the traces of a time to those behind a figure of people's labels."""
    return {"drawn": "true"} if told["judge"]["sampling"] == "audit" else {}


def _percent(share: float | None) -> str:
    return "" if share is None else figures.percent(share)


def _end(name: str, line: Sequence[Datum], write: Callable[[float], str] = figures.decimals) -> str:
    """What is shown at the right end of a line: its name and its last value."""
    last = next((each.value for each in reversed(line) if each.value is not None), None)
    return name if last is None else f"{name} {write(last)}"
