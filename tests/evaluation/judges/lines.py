"""Lines for import_labels with known counts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from evaluation.judges.elsewhere import importing
from evaluation.judges.elsewhere.importing import Report
from ingest.models import Project


def line(number: int, human: str, judge: str, **more: Any) -> dict[str, Any]:
    """One trace with one label and one verdict of judge `helpful` v1; `more` replaces fields."""
    base: dict[str, Any] = {
        "id": f"trace-{number}",
        "input": f"Where is order {number}?",
        "output": f"Order {number} is on its way.",
        "labels": [{"annotator": "ann", "verdict": human}],
        "judges": [{"judge": "helpful", "version": "v1", "model": "orion-1", "verdict": judge}],
    }
    return base | more


def table(tp: int, fn: int, fp: int, tn: int, **more: Any) -> list[dict[str, Any]]:
    """Lines that make this confusion matrix; fail is positive."""
    kinds = (
        [("fail", "fail")] * tp + [("fail", "pass")] * fn + [("pass", "fail")] * fp + [("pass", "pass")] * tn
    )
    return [line(number, human, judge, **more) for number, (human, judge) in enumerate(kinds)]


def load(project: Project, lines: Iterable[Any]) -> Report:
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    return importing.import_lines(project, BytesIO(text.encode()))
