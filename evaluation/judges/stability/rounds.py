"""How does a judge answer the same frozen traces, once and again? Two of its rounds over them, compared.

It may be wrong more often than before, or lean to the other side: one that lets more failures pass and spares
as many more good answers is right as often, and is another judge all the same. So both are asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from evaluation.judges.calls.protocol import FIRST_ANCHOR_TRIAL
from evaluation.judges.judgments import answered
from evaluation.judges.models import AnchorSet, JudgeVersion, Judgment, Kind, Progress
from evaluation.judges.stability.anchors import LEAST
from evaluation.statistics.change import at_look, has_moved, mcnemar_two_sided, paired_difference
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import share

# The part of production that goes with one round: traces that began at most this long before it.
WINDOW = timedelta(weeks=4)
# What broke off or is under way is not compared while two rounds hold so much of the anchors.
WHOLE = 0.8
QUESTIONS = 2
NO_ROUNDS = unknown("there are no two rounds of this version over the anchors yet")


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the anchors: how many of them the judge got right."""

    number: int
    version: str
    trial: int
    at: datetime
    right: Figure


@dataclass(frozen=True, slots=True)
class Span:
    """When the compared rounds were; `is_told` where it begins as another model began to answer."""

    began: datetime
    ended: datetime
    is_told: bool = False

    @property
    def before(self) -> tuple[datetime, datetime]:
        return self.began - WINDOW, self.began

    @property
    def since(self) -> tuple[datetime, datetime]:
        return max(self.began, self.ended - WINDOW), self.ended


@dataclass(frozen=True, slots=True)
class Compared:
    """A version's newest round against its first one: `lost` are anchors that were right and are wrong now,
    `won` the other way, with `p` and `difference`; `to_fail` and `to_pass` count the verdicts that turned,
    with `p_leaning` and `leaning`. `look` counts how often this was asked of the version. `p_looks` decides;
    it is corrected for that and for both questions, as what is asked each night is falsely answered one day.

    Of a version with one round, against the newest one of the version before, which is then `against`: that
    is another judge and no judge that moved, so there is no span.
    """

    rounds: tuple[Round, ...]
    first: Round | None = None
    last: Round | None = None
    lost: tuple[int, ...] = ()
    won: tuple[int, ...] = ()
    p: float | None = None
    difference: Figure = NO_ROUNDS
    against: str = ""
    span: Span | None = None
    look: int = 1
    to_fail: int = 0
    to_pass: int = 0
    p_leaning: float | None = None
    leaning: Figure = NO_ROUNDS

    @property
    def p_looks(self) -> float | None:
        if self.p is None or self.p_leaning is None:
            return None
        return at_look(min(1.0, QUESTIONS * min(self.p, self.p_leaning)), self.look)

    @property
    def has_moved(self) -> bool | None:
        """It did not where neither side leaves room for a move worth knowing."""
        found = [has_moved(gap, self.p_looks) for gap in (self.difference, self.leaning)]
        return None if None in found else found[0]


def compare(version: JudgeVersion, since: datetime | None = None) -> Compared:
    """Rounds of all versions of the judge over its newest anchor set, in order, and two of them compared.

    `since`: begin with the last round of the version that was over by then.
    """
    newest = AnchorSet.objects.newest_of(version.judge)
    if newest is None:
        return Compared((), difference=unknown("no anchors are frozen yet"))
    rounds = _rounds(newest)
    if since is not None:
        rounds = _from(rounds, version.number, since)
    truth = dict(newest.anchors.values_list("trace_id", "verdict"))
    chosen = _chosen(rounds, version.number, len(truth))
    if chosen is None:
        return Compared(rounds)
    first, last = chosen
    is_own = first.number == version.number
    own = [each for each in rounds if each.number == version.number]
    return replace(
        _held_against(truth, _said(newest, first), _said(newest, last)),
        rounds=rounds,
        first=first,
        last=last,
        against="" if is_own else first.version,
        span=_span(version, first.at, last.at) if is_own else None,
        look=len(_whole(own, len(truth))) - 1 if is_own else 1,
    )


def movement(version: JudgeVersion, since: datetime | None) -> str:
    """How the version moved by its own rounds, if it did; `since` it was last found to be as it should be."""
    found = compare(version, since)
    if found.span is None or not found.has_moved:
        return ""
    lost, won = len(found.lost), len(found.won)
    turned = f"{lost} lost, {won} won, {found.to_fail} turned to fail, {found.to_pass} to pass"
    return f"the judge moved by its anchors ({turned} since {found.span.began:%Y-%m-%d})"


def asked(version: JudgeVersion) -> tuple[int, int] | None:
    """How many of the newest anchors the version has answered in any round, and how many there are."""
    newest = AnchorSet.objects.newest_of(version.judge)
    if newest is None:
        return None
    answers = Judgment.objects.filter(
        version=version,
        trial__gte=FIRST_ANCHOR_TRIAL,
        trace__anchors__anchor_set=newest,
        progress__in=(Progress.DONE, Progress.INVALID),
    )
    return answers.values("trace").distinct().count(), newest.anchors.count()


def _held_against(truth: Mapping[int, str], once: Mapping[int, str], again: Mapping[int, str]) -> Compared:
    both = sorted(once.keys() & again.keys())
    lost = tuple(trace for trace in both if once[trace] == truth[trace] != again[trace])
    won = tuple(trace for trace in both if again[trace] == truth[trace] != once[trace])
    to_fail = sum((once[trace], again[trace]) == ("pass", "fail") for trace in both)
    to_pass = sum((once[trace], again[trace]) == ("fail", "pass") for trace in both)
    found = Compared((), lost=lost, won=won, to_fail=to_fail, to_pass=to_pass)
    if len(both) < LEAST:
        none = unknown(f"{len(both)} anchors were judged in both rounds, {LEAST} needed", len(both))
        return replace(found, difference=none, leaning=none)
    return replace(
        found,
        p=mcnemar_two_sided(len(lost), len(won)),
        difference=paired_difference(len(lost), len(won), len(both)),
        p_leaning=mcnemar_two_sided(to_fail, to_pass),
        leaning=paired_difference(to_pass, to_fail, len(both)),
    )


_ROUNDS = """
    SELECT v.number, v.label, j.trial, max(coalesce(j.finished_at, j.created_at)),
        count(*) FILTER (WHERE j.verdict = a.verdict), count(*)
    FROM evaluation_anchor a JOIN evaluation_judgment j ON j.trace_id = a.trace_id AND j.trial >= %s
    JOIN evaluation_judgeversion v ON v.id = j.version_id
    WHERE a.anchor_set_id = %s AND v.judge_id = %s AND j.progress IN ('done', 'invalid')
    GROUP BY 1, 2, 3 ORDER BY 1, 3
"""


def _rounds(anchors: AnchorSet) -> tuple[Round, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_ROUNDS, [FIRST_ANCHOR_TRIAL, anchors.pk, anchors.judge_id])
        return tuple(
            Round(number, label, trial, at, share(right, n))
            for number, label, trial, at, right, n in cursor.fetchall()
        )


def _from(rounds: Sequence[Round], number: int, since: datetime) -> tuple[Round, ...]:
    before = [each.at for each in rounds if each.number == number and each.at <= since]
    first = max(before, default=since)
    return tuple(each for each in rounds if each.number != number or each.at >= first)


def _said(anchors: AnchorSet, within: Round) -> dict[int, str]:
    """The verdicts of a round by trace."""
    answers = Judgment.objects.filter(
        version__judge=anchors.judge_id,
        version__number=within.number,
        trial=within.trial,
        trace__anchors__anchor_set=anchors,
        progress__in=(Progress.DONE, Progress.INVALID),
    )
    return dict(answers.values_list("trace_id", "verdict"))


def _chosen(rounds: Sequence[Round], number: int, anchors: int) -> tuple[Round, Round] | None:
    """Which two rounds tell whether version `number` has moved."""
    own = _whole([each for each in rounds if each.number == number], anchors)
    before = [each for each in rounds if each.number < number]
    if len(own) > 1:
        return own[0], own[-1]
    return (_whole(before, anchors, 1)[-1], own[0]) if own and before else None


def _whole(rounds: Sequence[Round], anchors: int, least: int = 2) -> Sequence[Round]:
    """Those with nearly all anchors, if there are enough of them; otherwise all."""
    whole = [each for each in rounds if each.right.n >= WHOLE * anchors]
    return whole if len(whole) >= least else rounds


def _span(version: JudgeVersion, first: datetime, last: datetime) -> Span:
    """Where it is known when another model began to answer, that moment says more than the first round's.

    A judge of rules lives in the time of its traces, so its change may lie before both rounds.
    """
    told = [at for at, *_ in answered.changed(version) if at < last]
    inside = [at for at in told if at > first or version.kind == Kind.RULES]
    return Span(inside[0], last, is_told=True) if inside else Span(first, last)
