"""What stands on the calibration page? Its figures, its charts and lists, and ways on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.judges.against_people import behind, pairs
from evaluation.judges.against_people.breakdowns import THRESHOLDS
from evaluation.judges.against_people.recalibrated import Recalibrated
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import JudgeVersion
from evaluation.judges.pages import charts
from evaluation.judges.trust.kept_figures import Kept
from evaluation.statistics.certification import (
    AGREEMENT_FLOOR,
    RATE_FLOOR,
    double_labels_needed,
    labels_for_width,
)
from ingest.json_objects import Json

WIDTHS = (5, 10, 15, 20)
BRIEF, MOST_PARAMETERS = 120, 20_000


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
            measure=query.get("measure", "") if query.get("measure") in charts.MEASURES else "kappa",
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
    return {
        "figures": told,
        "further": further,
        "finding": further["finding"],
        **_charts(told, asked.measure, further["changes"], scope.version),
        "unsteady": charts.unsteady(told, further["steadiness"]["out"]),
        "reliability": further["reliability"],
        "what_if": further["what_if"],
        "bars": _bars(told),
        "cells": _cells(told["confusion"]),
        "listed": _listed(scope, asked.listed, kept),
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


def _charts(told: Json, measure: str, changed: Sequence[Json], version: JudgeVersion) -> Json:
    agreement = charts.agreement_chart(told, measure, version)
    return {
        "measure": measure,
        "measures": charts.MEASURES,
        "agreement_words": charts.MEASURES[measure],
        "agreement_chart": agreement,
        "weeks": charts.weeks(told),
        "markers": charts.markers(told, agreement, changed, version),
        "rate_chart": charts.rate_chart(told),
        "newest": next((p for p in reversed(told["over_time"]) if p["corrected"]["value"] is not None), None),
    }


def _bars(told: Json) -> list[tuple[str, str, Json, float]]:
    return [
        ("TPR", "failures caught", told["tpr"], RATE_FLOOR),
        ("TNR", "good ones passed", told["tnr"], RATE_FLOOR),
        ("Agreement", f"of {told['n']:,}", told["agreement"], AGREEMENT_FLOOR),
    ]


def _listed(scope: Scope, asked: behind.Asked, kept: Kept) -> pairs.Page:
    assert kept.figures is not None
    further = kept.figures["page"]
    judged = Recalibrated(further["curves"])
    return pairs.page(scope, further["sampling"], asked, kept.rows(asked), judged, kept.most(asked))


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
        return f"{len(value)} {name.removesuffix('s') if len(value) == 1 else name}"
    if isinstance(value, dict):
        return f"{name}: {len(value)} settings"
    return f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
