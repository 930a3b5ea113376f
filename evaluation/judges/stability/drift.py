"""Did the judge move, or the system that it judges? Rounds over the anchors, and people's labels since.

The judge's side is its verdicts on frozen traces, once and again. The system's side is how much of production
people fail, before and since, by settled labels of what chance drew: the judge has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.backends.utils import CursorWrapper

from evaluation.judges.models import JudgeVersion
from evaluation.judges.stability import rounds
from evaluation.judges.stability.rounds import Compared, Span
from evaluation.statistics.change import Mover, difference, has_moved, mover, z_at_look
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.weighted import Row, share
from ingest.intervals import wilson
from ingest.json_objects import Json

SIDES = ("before", "since", "difference", "at_look")


@dataclass(frozen=True, slots=True)
class System:
    """The share of production that people fail around the first round and around the newest one.

    `at_look` is the difference with the interval of those who asked before, as often as this was asked.
    """

    span: Span
    before: Figure
    since: Figure
    difference: Figure
    at_look: Figure

    @property
    def has_moved(self) -> bool | None:
        return has_moved(self.difference, wide=self.at_look)


def system(cursor: CursorWrapper, sampling: str, span: Span, look: int = 1) -> System:
    """By the table `weighed` (see statements), with the weights of every other figure."""
    if sampling == "unknown":
        none = unknown("how these traces were chosen is unknown")
        return System(span, none, none, none, none)
    rows, z = _failing(cursor, span), z_at_look(look)
    was, now = (share(rows[is_new], "no label") for is_new in (False, True))
    wide = [each.within(lambda value, n: wilson(value, n, z)) for each in (was, now)]
    return System(span, was.figure, now.figure, difference(was.figure, now.figure), difference(*wide))


_FAILING = """
SELECT at >= %(began)s, human = 'fail', avg(w), count(*), CASE WHEN min(w) < max(w) THEN sum(w * w) END
FROM weighed WHERE unasked IS NULL AND human IS NOT NULL
    AND (at >= %(before)s AND at < %(began)s OR at >= %(since)s AND at < %(ended)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""


def _failing(cursor: CursorWrapper, span: Span) -> dict[bool, list[Row]]:
    """What people said before and since, whatever the judge said and whether it said anything."""
    times = {"before": span.before[0], "began": span.began, "since": span.since[0], "ended": span.ended}
    cursor.execute(_FAILING, times)
    rows: dict[bool, list[Row]] = {False: [], True: []}
    for is_new, failed, weight, n, squares in cursor.fetchall():
        rows[is_new].append(Row(float(failed), float(weight), n, squares=squares))
    return rows


@dataclass(frozen=True, slots=True)
class Drift:
    """Both sides of a version; `system` is None where there is no span, or its labels are being counted."""

    judge: Compared
    system: System | None = None

    @property
    def mover(self) -> Mover:
        if self.judge.span is None:
            return Mover.TOO_FEW
        return mover(self.judge.has_moved, self.system.has_moved if self.system else None)


def compute(cursor: CursorWrapper, sampling: str, version: JudgeVersion) -> Json | None:
    """The system's side as JSON, to be kept beside the figures; None where no two rounds are compared."""
    found = rounds.compare(version)
    return _kept(system(cursor, sampling, found.span, found.look)) if found.span else None


def tell(version: JudgeVersion, kept: Json | None) -> Drift:
    """The judge's side of now, beside what was kept of the system's, if that is of the same rounds."""
    found = rounds.compare(version)
    side = _read(kept) if kept else None
    return Drift(found, side if side and side.span == found.span else None)


def as_dict(found: Drift) -> Json:
    """For the API: the verdict with the figures of both sides; null while no two rounds are compared."""
    judge, side = found.judge, found.system
    return {
        "verdict": found.mover.value if judge.span else None,
        "judge": {
            "moved": judge.has_moved if judge.span else None,
            "against": judge.against or None,
            "lost": len(judge.lost),
            "won": len(judge.won),
            "p": judge.p,
            "look": judge.look,
            "p_looks": judge.p_looks,
            "difference": judge.difference.as_dict(),
            "leaning": {
                "to_fail": judge.to_fail,
                "to_pass": judge.to_pass,
                "p": judge.p_leaning,
                "difference": judge.leaning.as_dict(),
            },
        },
        "system": {"moved": side.has_moved, **_kept(side)} if side else None,
    }


def _kept(side: System) -> Json:
    return {
        "began": side.span.began.isoformat(),
        "ended": side.span.ended.isoformat(),
        "is_told": side.span.is_told,
        **{name: getattr(side, name).as_dict() for name in SIDES},
    }


def _read(kept: Json) -> System:
    began, ended = datetime.fromisoformat(kept["began"]), datetime.fromisoformat(kept["ended"])
    before, since, gap, wide = (Figure(**kept[name]) for name in SIDES)
    return System(Span(began, ended, kept["is_told"]), before, since, gap, wide)
