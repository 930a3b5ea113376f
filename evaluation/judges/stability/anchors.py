"""Which traces does a judge judge again and again? Settled ones, frozen byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from evaluation.judges.against_people import comparison
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Anchor, AnchorSet, JudgeVersion
from ingest.models import Trace
from reviewapp.review import snapshots

MOST = 200
LEAST = 20


class TooFew(Exception):
    """Not enough settled labels of both kinds to freeze an anchor set."""


class NoneFrozen(Exception):
    """A set that could be added to is not there."""


def freeze(version: JudgeVersion, by: str) -> AnchorSet:
    """A new set from what people settled: as many failures as passes where there are, on bytes of now.

    Raises TooFew.
    """
    chosen = _settled(version)
    with transaction.atomic():
        traces = Trace.objects.in_bulk(list(chosen))
        anchors = [
            Anchor(trace=traces[pk], snapshot=snapshots.of_trace(traces[pk]), verdict=verdict)
            for pk, verdict in sorted(chosen.items())
        ]
        return _frozen(version, anchors, by)


@transaction.atomic
def add(version: JudgeVersion, trace: Trace, verdict: str, by: str) -> AnchorSet:
    """A new frozen set: the newest one and this trace with its right verdict. Raises NoneFrozen.

    Rounds over the older set stay comparable: what is compared are the traces that two rounds share.
    """
    newest = AnchorSet.objects.select_for_update().newest_of(version.judge)
    if newest is None:
        raise NoneFrozen("There is no anchor set yet: freeze one under Anchors first.")
    kept = [
        Anchor(trace_id=each.trace_id, snapshot_id=each.snapshot_id, verdict=each.verdict)
        for each in newest.anchors.order_by("pk")
        if each.trace_id != trace.pk
    ]
    added = Anchor(trace=trace, snapshot=snapshots.of_trace(trace), verdict=verdict)
    return _frozen(version, [*kept, added], by)


def _frozen(version: JudgeVersion, anchors: Sequence[Anchor], by: str) -> AnchorSet:
    """A set of these anchors, whose traces are kept from now on."""
    number = version.judge.anchor_sets.count() + 1
    made = AnchorSet.objects.create(judge=version.judge, name=f"anchors {number}", created_by=by)
    for anchor in anchors:
        anchor.anchor_set = made
    Anchor.objects.bulk_create(anchors)
    traces = [anchor.trace_id for anchor in anchors]
    Trace.objects.filter(pk__in=traces, held=False).update(held=True)
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
