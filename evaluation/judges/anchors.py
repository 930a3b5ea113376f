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
    """The newest round against the first one: `lost` were right and are wrong now, `won` the other way."""

    rounds: tuple[Round, ...]
    lost: int = 0
    won: int = 0
    p: float | None = None
    difference: Figure | None = None

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
    for pk, label, trial, trace, verdict in rows.values_list(
        "version_id", "version__label", "trial", "trace_id", "verdict"
    ):
        said.setdefault((pk, trial), {})[trace] = verdict
        labels[pk] = label
    rounds = tuple(
        Round(labels[pk], trial, share(_right(answers, truth), len(answers)))
        for (pk, trial), answers in said.items()
    )
    if len(said) < 2:
        return Drift(rounds)
    first, *_, last = said.values()
    both = first.keys() & last.keys()
    lost = sum(first[t] == truth[t] != last[t] for t in both)
    won = sum(last[t] == truth[t] != first[t] for t in both)
    return Drift(rounds, lost, won, mcnemar_two_sided(lost, won), paired_difference(lost, won, len(both)))


def _right(answers: Mapping[int, str], truth: Mapping[int, str]) -> int:
    return sum(truth[trace] == verdict for trace, verdict in answers.items())
