"""Which traces are behind a figure? The lists of pairs that a calibration page offers, in order.

A list is asked for by its name and, where the judge is imagined to fail from another score on, that score.
Of a large scope the first rows of each list are kept; those of every threshold begin with the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from evaluation.judges.against_people import probes, statements
from evaluation.judges.against_people.probes import Seen
from evaluation.judges.against_people.recalibrated import DECIMALS
from evaluation.judges.against_people.statements import Scope
from ingest.json_objects import Json

# Trace, people, judge, score, labels, route, prompt version, and how many there are; as JSON keeps it.
Row = list[Any]
PAGE = 25
# The number of rows kept of each list in a large scope; the CSV holds them all.
KEPT, KEPT_FURTHER = 40 * PAGE, 10 * PAGE
PAIR = "fate IS NULL"
# Missed failures first, the surest errors before the rest.
SUREST = "human = 'pass', abs(coalesce(score, 0.5) - (human = 'fail')::int) DESC"
BY_SCORE = "score DESC"


@dataclass(frozen=True, slots=True)
class Listed:
    """`words` stand in its heading; its rows are those of `weighed` (see statements) that hold, in order."""

    words: str
    condition: str
    order: str = SUREST
    kept: int = KEPT_FURTHER


LISTS = {
    "": Listed("disagreements", f"{PAIR} AND human <> judge", kept=KEPT),
    "tp": Listed("caught", f"{PAIR} AND human = 'fail' AND judge = 'fail'", kept=KEPT),
    "fn": Listed("missed", f"{PAIR} AND human = 'fail' AND judge = 'pass'", kept=KEPT),
    "fp": Listed("false alarm", f"{PAIR} AND human = 'pass' AND judge = 'fail'", kept=KEPT),
    "tn": Listed("rightly passed", f"{PAIR} AND human = 'pass' AND judge = 'pass'", kept=KEPT),
    "all": Listed("all of them", PAIR),
    "judge-fails": Listed("failed by the judge", f"{PAIR} AND judge = 'fail'"),
    "people-fail": Listed("failed by people", f"{PAIR} AND human = 'fail'"),
    "people-pass": Listed("passed by people", f"{PAIR} AND human = 'pass'"),
    "scored": Listed("with a score, the highest first", f"{PAIR} AND score IS NOT NULL", BY_SCORE),
    "twice": Listed(
        "labelled by several people, those they disagree on first",
        "unasked IS NULL AND fails + passes > 1",
        "least(fails, passes) DESC",
    ),
}
PROBES = {
    "length": "the longest answers first",
    "tone": "with a pleasing tone",
    "authority": "with claims to be beyond doubt",
    "self_preference": "of models of the judge's own family",
}
# The same where it failed from another score on: which list begins with them, and on which side they are.
AT = {
    "fn": ("people-fail", "below"),
    "fp": ("people-pass", "above"),
    "judge-fails": ("scored", "above"),
    "": ("", ""),
}
_SCORE = f"round(score::numeric, {DECIMALS})"


@dataclass(frozen=True, slots=True)
class Asked:
    """A list and its page; `at` is the score from which on the judge is imagined to fail."""

    name: str = ""
    number: int = 1
    at: float | None = None

    @property
    def start(self) -> int:
        return (self.number - 1) * PAGE


FIRST = Asked()


def words(name: str, at: float | None) -> str:
    told = LISTS[name].words if name in LISTS else PROBES[name]
    return told if at is None else f"{told}, if it failed from {at:.2f} on"


def rows(scope: Scope, sampling: str, asked: Asked) -> list[Row]:
    """A page, counted out."""
    with statements.reading() as cursor:
        statements.lay_out(cursor, scope, sampling)
        if asked.name in PROBES:
            seen = probes.listed(cursor, probes.MOST)
            of_it = of_probe(asked.name, probes.family_of(scope.version), seen)
            found = of_it[asked.start : asked.start + PAGE]
        else:
            found = listed(cursor, _defined(asked), PAGE, asked.start)
        cursor.execute("DROP TABLE pg_temp.weighed")
        return found


def newer(scope: Scope, sampling: str, than: datetime, known: Sequence[Row] | None = None) -> list[Row]:
    """Disagreements whose verdict, or a label, came later; `known` are all of them where they are kept."""
    with statements.reading() as cursor:
        if known is None:
            statements.lay_out(cursor, scope, sampling)
            known = listed(cursor, LISTS[""], LISTS[""].kept)
            cursor.execute("DROP TABLE pg_temp.weighed")
        traces: list[Any] = [row[0] for row in known]
        cursor.execute(_NEWER, {"traces": traces, "version": scope.version.pk, "than": than})
        found = {pk for (pk,) in cursor.fetchall()}
        return [row for row in known if row[0] in found]


_NEWER = """
SELECT given.id FROM unnest(%(traces)s::bigint[]) AS given (id) WHERE EXISTS (
    SELECT FROM evaluation_judgment j WHERE j.trace_id = given.id AND j.version_id = %(version)s
        AND j.trial = 1 AND j.finished_at > %(than)s
) OR EXISTS (
    SELECT FROM reviewapp_reviewitem i JOIN reviewapp_assignment a ON a.item_id = i.id
        JOIN reviewapp_label l ON l.assignment_id = a.id
    WHERE i.trace_id = given.id AND l.created_at > %(than)s
)
"""


def _defined(asked: Asked) -> Listed:
    if asked.at is None:
        return LISTS[asked.name]
    # The threshold is one of a closed list (breakdowns.THRESHOLDS).
    below, above = f"{_SCORE} < {asked.at:.1f}", f"{_SCORE} >= {asked.at:.1f}"
    missed, alarmed = f"human = 'fail' AND {below}", f"human = 'pass' AND {above}"
    either = f"({missed} OR {alarmed})"
    condition = {"fn": missed, "fp": alarmed, "judge-fails": above, "": either}[asked.name]
    return Listed("", f"{PAIR} AND {condition}", BY_SCORE if asked.name == "judge-fails" else SUREST)


def listed(cursor: CursorWrapper, wanted: Listed, limit: int, offset: int = 0) -> list[Row]:
    """Each row with how many there are."""
    chosen = f"FROM weighed WHERE {wanted.condition}"
    cursor.execute(
        "SELECT trace_id, human, judge, score, fails + passes, route, prompt_version, "
        f"(SELECT count(*) {chosen}) {chosen} ORDER BY {wanted.order}, at DESC, trace_id LIMIT %s OFFSET %s",
        [limit, offset],
    )
    return [list(row) for row in cursor.fetchall()]


def of_probe(name: str, own: str, seen: Sequence[Seen]) -> list[Row]:
    """The pairs that have what a probe asks for, those that people and judge disagree on first."""
    having = [each for each in seen if probes.has_it(each, name, own)]
    if name == "length":
        having.sort(key=lambda each: -(each.letters or 0.0))
    else:
        having.sort(key=lambda each: each.people_fail == each.judge_fails)
    return [each.row(len(having)) for each in having]


def kept(cursor: CursorWrapper, own: str, seen: Sequence[Seen], *, is_large: bool) -> dict[str, list[Row]]:
    """The first rows of each list: of a small scope only those that every page shows."""
    if not is_large:
        return {"": listed(cursor, LISTS[""], PAGE)}
    found = {name: listed(cursor, each, each.kept) for name, each in LISTS.items()}
    return found | {name: of_probe(name, own, seen)[:KEPT_FURTHER] for name in PROBES}


def source(asked: Asked) -> list[str]:
    """Which of the kept lists hold the rows asked for."""
    if asked.at is None:
        return [asked.name]
    return ["people-fail", "people-pass"] if asked.name == "" else [AT[asked.name][0]]


def most(asked: Asked) -> int:
    """How many rows of a list are kept of a large scope."""
    return LISTS[asked.name].kept if asked.at is None and asked.name in LISTS else KEPT_FURTHER


def at_threshold(asked: Asked, lists: Sequence[Sequence[Row]], what_if: Sequence[Json]) -> list[Row]:
    """Of the kept lists, whole, the rows on the asked side of the threshold, with how many there are."""
    assert asked.at is not None
    counts = next((each["behind"] for each in what_if if each["threshold"] == asked.at), None)
    if counts is None:
        return []
    total = counts[asked.name] if asked.name else counts["fn"] + counts["fp"]
    sides = ["below", "above"] if asked.name == "" else [AT[asked.name][1]]
    chosen = [
        [*row[:-1], total]
        for some, side in zip(lists, sides, strict=True)
        for row in some
        if row[3] is not None and (round(row[3], DECIMALS) >= asked.at) == (side == "above")
    ]
    return chosen[asked.start : asked.start + PAGE]
