"""Did the judge move, or the system? Frozen traces with settled verdicts, judged again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from evaluation.judges import comparison
from evaluation.judges.models import Anchor, AnchorSet, JudgeVersion, Judgment, Progress
from evaluation.judges.protocol import FIRST_ANCHOR_TRIAL
from evaluation.judges.statements import Scope
from evaluation.statistics.change import mcnemar_two_sided, paired_difference
from evaluation.statistics.figure import Figure
from evaluation.statistics.intervals import share
from ingest.models import Trace
from reviewapp.review import snapshots

MOST = 200
LEAST = 20
SIGNIFICANT = 0.05


class TooFew(Exception):
    """Not enough settled labels of both kinds to freeze an anchor set."""


def freeze(version: JudgeVersion, by: str) -> AnchorSet:
    """A new set from what people settled: as many failures as passes where there are, on bytes of now.

    Raises TooFew.
    """
    chosen = _settled(version)
    with transaction.atomic():
        number = version.judge.anchor_sets.count() + 1
        made = AnchorSet.objects.create(judge=version.judge, name=f"anchors {number}", created_by=by)
        traces = Trace.objects.in_bulk(list(chosen))
        Anchor.objects.bulk_create(
            [
                Anchor(
                    anchor_set=made,
                    trace=traces[pk],
                    snapshot=snapshots.of_trace(traces[pk]),
                    verdict=verdict,
                )
                for pk, verdict in sorted(chosen.items())
            ]
        )
        Trace.objects.filter(pk__in=chosen, held=False).update(held=True)
        AnchorSet.objects.filter(pk=made.pk).update(frozen_at=Now())
    made.refresh_from_db()
    return made


def _settled(version: JudgeVersion) -> dict[int, str]:
    scope = Scope(version)
    found = comparison.settled(scope, MOST)
    failures = [pk for pk, verdict in found if verdict == "fail"]
    passes = [pk for pk, verdict in found if verdict == "pass"]
    chosen = dict.fromkeys(failures[: MOST // 2], "fail")
    chosen |= dict.fromkeys(passes[: MOST - len(chosen)], "pass")
    if len(chosen) < LEAST or not failures or not passes:
        raise TooFew(
            f"{len(failures)} failures and {len(passes)} passes are settled; {LEAST} of both are needed."
        )
    return chosen


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the anchors: how many of them the judge got right."""

    version: str
    trial: int
    right: Figure


@dataclass(frozen=True, slots=True)
class Drift:
    """A version's newest round against its first one: `lost` were right and are wrong now, `won` the other
    way. Of a version with one round, against the newest one of the version before, which is then `against`.
    """

    rounds: tuple[Round, ...]
    lost: int = 0
    won: int = 0
    p: float | None = None
    difference: Figure | None = None
    against: str = ""

    @property
    def has_moved(self) -> bool:
        return self.p is not None and self.p <= SIGNIFICANT


def drift(version: JudgeVersion) -> Drift:
    """Rounds of all versions of the judge over its newest anchor set, oldest first."""
    newest = version.judge.anchor_sets.filter(frozen_at__isnull=False).order_by("-frozen_at").first()
    if newest is None:
        return Drift(())
    truth = dict(newest.anchors.values_list("trace_id", "verdict"))
    said: dict[tuple[int, int], dict[int, str]] = {}
    labels: dict[int, str] = {}
    rows = Judgment.objects.filter(
        version__judge=version.judge,
        trace__in=truth,
        trial__gte=FIRST_ANCHOR_TRIAL,
        progress__in=(Progress.DONE, Progress.INVALID),
    ).order_by("version__number", "trial")
    for number, label, trial, trace, verdict in rows.values_list(
        "version__number", "version__label", "trial", "trace_id", "verdict"
    ):
        said.setdefault((number, trial), {})[trace] = verdict
        labels[number] = label
    rounds = tuple(
        Round(labels[number], trial, share(_right(answers, truth), len(answers)))
        for (number, trial), answers in said.items()
    )
    compared = _compared(list(said), version.number)
    if compared is None:
        return Drift(rounds)
    first, last = (said[which] for which in compared)
    both = first.keys() & last.keys()
    lost = sum(first[t] == truth[t] != last[t] for t in both)
    won = sum(last[t] == truth[t] != first[t] for t in both)
    p, difference = mcnemar_two_sided(lost, won), paired_difference(lost, won, len(both))
    other = compared[0][0]
    return Drift(rounds, lost, won, p, difference, "" if other == version.number else labels[other])


def _compared(rounds: list[tuple[int, int]], number: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Which two rounds, as (version, trial) in order, tell whether version `number` has moved."""
    own = [which for which in rounds if which[0] == number]
    before = [which for which in rounds if which[0] < number]
    if len(own) > 1:
        return own[0], own[-1]
    return (before[-1], own[0]) if own and before else None


def _right(answers: Mapping[int, str], truth: Mapping[int, str]) -> int:
    return sum(truth[trace] == verdict for trace, verdict in answers.items())
