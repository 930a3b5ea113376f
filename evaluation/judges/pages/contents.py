"""What stands on the calibration page? Its figures placed for the eye: charts, ways on, what has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from string import ascii_lowercase
from typing import Any

from django.utils import timezone

from evaluation.changes import telling
from evaluation.json_objects import Json
from evaluation.judges.against_people import behind, pairs
from evaluation.judges.against_people.breakdowns import CORRECTION_WEEKS, THRESHOLDS
from evaluation.judges.against_people.recalibrated import Recalibrated
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Judge, JudgeVersion, LastLook
from evaluation.judges.trust.kept_figures import Kept
from evaluation.statistics.certification import (
    AGREEMENT_FLOOR,
    RATE_FLOOR,
    double_labels_needed,
    labels_for_width,
)
from evaluation.weeks import datum
from reviewapp import figures
from reviewapp.models import User
from reviewapp.trends import Datum, Trend, trend

MEASURES = {"kappa": "κ", "tpr": "TPR", "tnr": "TNR", "agreement": "agreement"}
WIDTHS = (5, 10, 15, 20)
LOOK_LASTS_MINUTES = 30
BRIEF, MOST_PARAMETERS = 120, 20_000
MOST_MARKERS = 12
WEEK = timedelta(days=7)
SEEN = ("state", "n", "tpr", "tnr", "agreement")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of the page; unknown values fall back to the first."""

    measure: str = "kappa"
    width: int = 10
    listed: behind.Asked = behind.FIRST

    @classmethod
    def of(cls, query: Any) -> Asked:
        width = query.get("width", "")
        return cls(
            measure=query.get("measure", "") if query.get("measure") in MEASURES else "kappa",
            width=int(width) if width in {str(each) for each in WIDTHS} else 10,
            listed=_list_asked(query),
        )


def _list_asked(query: Any) -> behind.Asked:
    name, number = query.get("cell", ""), query.get("page", "")
    known = name in behind.LISTS or name in behind.PROBES
    at = {f"{score:.1f}": score for score in THRESHOLDS}.get(query.get("at", ""))
    return behind.Asked(
        name if known else "",
        max(1, int(number)) if number.isascii() and number.isdecimal() and 0 < len(number) < 6 else 1,
        at if name in behind.AT else None,
    )


def tell(scope: Scope, asked: Asked, kept: Kept) -> Json:
    """The template's context, of figures that are there."""
    assert kept.figures is not None
    told, further = kept.figures["api"], kept.figures["page"]
    listed = pairs.page(
        scope,
        further["sampling"],
        asked.listed,
        kept.rows(asked.listed),
        Recalibrated(further["curves"]),
        kept.most(asked.listed),
    )
    chart = agreement_chart(told, asked.measure)
    return {
        "figures": told,
        "further": further,
        "finding": further["finding"],
        "measure": asked.measure,
        "measures": MEASURES,
        "agreement_chart": chart,
        "weeks": [
            (point, _datum(point, point["agreement"], 1, **_drawn(told)).query) for point in told["over_time"]
        ],
        "markers": markers(told, chart, further["changes"], scope.version),
        "agreement_words": MEASURES[asked.measure],
        "rate_chart": rate_chart(told),
        "newest": next((p for p in reversed(told["over_time"]) if p["corrected"]["value"] is not None), None),
        "reliability": further["reliability"],
        "what_if": further["what_if"],
        "bars": [
            ("TPR", "failures caught", told["tpr"], RATE_FLOOR),
            ("TNR", "good ones passed", told["tnr"], RATE_FLOOR),
            ("Agreement", f"of {told['n']:,}", told["agreement"], AGREEMENT_FLOOR),
        ],
        "cells": _cells(told["confusion"]),
        "listed": listed,
        "as_of": kept.at,
        "is_old": kept.is_old,
        "cell": asked.listed.name,
        "chosen_at": "" if asked.listed.at is None else f"{asked.listed.at:.1f}",
        "list_words": behind.words(asked.listed.name, asked.listed.at),
        "budget": budget(told, asked.width),
        "sampling": _sampling(told["judge"]["strata"]),
        "widths": WIDTHS,
        "disagreements": told["confusion"]["fn"] + told["confusion"]["fp"],
    }


def _sampling(strata: Sequence[Json]) -> Json:
    return {
        "drawn": sum(each["drawn"] for each in strata),
        "answered": sum(each["answered"] for each in strata),
        "warned": sum(bool(each["warnings"]) for each in strata),
    }


def _cells(confusion: Json) -> list[tuple[str, str, int, bool]]:
    return [
        (name, pairs.CELL_WORDS[name], confusion[name], name == "fn") for name in ("tp", "fn", "fp", "tn")
    ]


def agreement_chart(told: Json, measure: str) -> Trend:
    """With what people reach among themselves where it is known: no judge can be held to more."""
    points = told["over_time"]
    people = told["human_human"].get(measure, {}).get("value")
    level = None if people is None else (people, f"people {figures.decimals(people)}")
    drawn = _drawn(told)
    line = [
        replace(_datum(point, point[measure], 1, **drawn), note=_percent(point["base_rate"]["value"]))
        for point in points
    ]
    return trend([line], least=-1.0, level=level, names=[_end(MEASURES[measure], line)])


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that changed, at its place along a chart; the letter leads to the words below."""

    x: float
    letter: str
    day: date
    words: str
    of_judge: bool


def markers(told: Json, chart: Trend, changed: Sequence[Json], version: JudgeVersion) -> list[Marker]:
    """What changed in the weeks of the chart: models and prompts that the pairs show, judge and rubric."""
    weeks = [date.fromisoformat(point["from"]) for point in told["over_time"]]
    if not weeks:
        return []
    found = [(date.fromisoformat(each["week"]), each["words"], False) for each in changed]
    judge = version.judge.versions.exclude(live_at=None).values_list("live_at", "label")
    found += [(at.date(), f"judge {label} live", True) for at, label in judge if at]
    if version.rubric_version:
        rubric = version.rubric_version.rubric.versions.exclude(frozen_at=None)
        found += [
            (at.date(), f"rubric v{n}", True) for at, n in rubric.values_list("frozen_at", "number") if at
        ]
    found += telling.on_chart(version.judge.project_id, version.judge.name, weeks[0], weeks[-1] + WEEK)
    days: dict[date, list[tuple[str, bool]]] = {}
    for day, words, of_judge in sorted(found):
        if weeks[0] < day < weeks[-1] + WEEK:
            days.setdefault(day, []).append((words, of_judge))
    return [
        Marker(
            _along(day, weeks, chart),
            ascii_lowercase[place],
            day,
            ", ".join(words for words, _ in here),
            any(of_judge for _, of_judge in here),
        )
        for place, (day, here) in enumerate(list(days.items())[-MOST_MARKERS:])
    ]


def _along(day: date, weeks: Sequence[date], chart: Trend) -> float:
    """Halfway between two weeks is where one ends and the next begins."""
    place = max(index for index, week in enumerate(weeks) if week <= day)
    xs = [each.x for each in chart.places]
    step = xs[1] - xs[0] if len(xs) > 1 else 0.0
    return round(min(100.0, max(0.0, xs[place] + step * ((day - weeks[place]).days / 7 - 0.5))), 2)


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


def _drawn(told: Json) -> dict[str, str]:
    """What narrows the traces of a time to those behind a figure of people's labels."""
    return {"drawn": "true"} if told["judge"]["sampling"] == "audit" else {}


def _percent(share: float | None) -> str:
    return "" if share is None else figures.percent(share)


def _end(name: str, line: Sequence[Datum], write: Callable[[float], str] = figures.decimals) -> str:
    """What stands at the right end of a line: its name and its last value."""
    last = next((each.value for each in reversed(line) if each.value is not None), None)
    return name if last is None else f"{name} {write(last)}"


def budget(told: Json, width: int) -> Json:
    """How many more labels give TPR and TNR intervals of this width, and people a ceiling."""
    base = told["base_rate"]["value"] or 0.0
    span = width / 100
    tpr, tnr = told["tpr"], told["tnr"]
    failures = max(0, labels_for_width(_or(tpr["value"], 0.8), span) - tpr["n"])
    passes = max(0, labels_for_width(_or(tnr["value"], 0.95), span) - tnr["n"])
    labels = max(
        failures / base if base else 0,
        passes / (1 - base) if base < 1 else 0,
    )
    double = double_labels_needed(min(max(base, 0.02), 0.98))
    return {
        "width": width,
        "failures": failures,
        "passes": passes,
        "labels": round(labels),
        "double": max(0, double - told["human_human"]["alpha"]["n"]),
        "base": told["base_rate"],
    }


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is pinned beside the prompt, brief enough for a column, and all of it where that is not all."""

    short: str
    full: str
    is_long: bool


def parameters(version: JudgeVersion) -> Parameters:
    words = ", ".join(_brief(name, value) for name, value in version.parameters.items())
    is_long = len(words) > BRIEF or any(isinstance(each, list | dict) for each in version.parameters.values())
    if not is_long:
        return Parameters(words, "", is_long=False)
    full = json.dumps(version.parameters, indent=1, ensure_ascii=False)[:MOST_PARAMETERS]
    return Parameters(words if len(words) <= BRIEF else f"{words[:BRIEF]}…", full, is_long=True)


def _brief(name: str, value: Any) -> str:
    """ "46 rules", "threshold 0.5", "errors: 6 settings" """
    if isinstance(value, list):
        return f"{len(value)} {name}"
    if isinstance(value, dict):
        return f"{name}: {len(value)} settings"
    return f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def since_last_look(user: User, judge: Judge, version: JudgeVersion, told: Json) -> Json | None:
    """What stands otherwise than when this person looked last; a look is over after half an hour."""
    seen = {name: told[name] for name in SEEN} | {"version": version.label}
    look, is_first = LastLook.objects.get_or_create(user=user, judge=judge, defaults={"seen": seen})
    if is_first:
        return None
    before = look.seen
    if (timezone.now() - look.at).total_seconds() > LOOK_LASTS_MINUTES * 60 and before != seen:
        look.at, look.seen = timezone.now(), seen
        look.save(update_fields=["at", "seen"])
    if before == seen:
        return None
    return {"at": look.at, "before": before, "now": seen}
