"""Two people edit one case: who saved it since a form was opened, and what would saving over it change?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.golden.content import lines
from evaluation.golden.content.lines import Case
from evaluation.golden.curating import differences
from evaluation.golden.models import CaseRevision, CaseState, GoldenCase

NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Conflict:
    """`now` stands; `theirs` is what changed since the form was opened, `over` what saving would change."""

    now: CaseRevision
    theirs: list[differences.FieldChange]
    over: list[differences.FieldChange]


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


def written_title(case: GoldenCase, line: str | None) -> str:
    """What somebody called it; empty where it is called after its question."""
    return "" if line and case.title == lines.title_of(lines.from_line(line)) else case.title


def title(sent: Mapping[str, str]) -> str | None:
    """The title that a form asks for; None where it was left as the form had it."""
    typed = _clean(sent, "title")
    return None if typed == _clean(sent, "titled") else typed


def _clean(sent: Mapping[str, str], name: str) -> str:
    return sent.get(name, "").replace("\0", "")[:200].strip()


def retitled(case: GoldenCase, sent: Mapping[str, str]) -> bool:
    """Both changed the title."""
    now = written_title(case, case.revisions.get(number=case.revision).line)
    return title(sent) not in (None, now) and now != _clean(sent, "titled")


def retired(case: GoldenCase, sent: Mapping[str, str]) -> bool:
    """Somebody retired it since the form was opened; saving would bring it back."""
    return case.state == CaseState.RETIRED and sent.get("state") != CaseState.RETIRED


def conflict(case: GoldenCase, sent: Mapping[str, str], typed: Case) -> Conflict:
    case.refresh_from_db()
    now = case.revisions.get(number=case.revision)
    mine = CaseRevision(case=case, number=now.number, line=typed.line(now.number))
    theirs, over = differences.between(opened(case, sent), now), differences.between(now, mine)
    called, wanted = written_title(case, now.line), title(sent)
    if called != _clean(sent, "titled"):
        theirs.insert(0, differences.FieldChange("title", _clean(sent, "titled"), called))
    if wanted not in (None, called):
        over.insert(0, differences.FieldChange("title", called, wanted or ""))
    return Conflict(now, theirs, over)
