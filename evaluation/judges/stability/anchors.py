"""On which traces is a judge asked again and again? On settled ones, frozen byte for byte."""

from __future__ import annotations

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
