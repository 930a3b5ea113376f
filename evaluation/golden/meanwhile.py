"""Two people at one case: who saved it since a form was opened, and what would saving over it change?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.golden import overview
from evaluation.golden.lines import Case
from evaluation.golden.models import CaseRevision, GoldenCase

NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Conflict:
    """`now` stands; `theirs` is what changed since the form was opened, `over` what saving would change."""

    now: CaseRevision
    theirs: list[overview.FieldChange]
    over: list[overview.FieldChange]


def number(sent: Mapping[str, str], name: str) -> int:
    """Which revision a form names; 0, which none has, when it names none."""
    text = sent.get(name, "")
    return int(text) if NUMBER.fullmatch(text) else 0


def opened(case: GoldenCase, sent: Mapping[str, str]) -> CaseRevision:
    """The revision a form was filled from: its rows mean the messages and assertions of that one."""
    current = case.revisions.get(number=case.revision)
    found = case.revisions.filter(number=number(sent, "revision"), line__isnull=False).first()
    return found if found and current.line else current


def allowed(sent: Mapping[str, str]) -> int:
    """The only revision this form may replace: the one it was opened at, or the one its sender saw since."""
    return number(sent, "over") or number(sent, "revision")


def conflict(case: GoldenCase, sent: Mapping[str, str], typed: Case) -> Conflict:
    case.refresh_from_db()
    now = case.revisions.get(number=case.revision)
    mine = CaseRevision(case=case, number=now.number, line=typed.line(now.number))
    return Conflict(now, overview.differences(opened(case, sent), now), overview.differences(now, mine))
