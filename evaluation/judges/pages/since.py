"""What stands otherwise on a judge's page than when somebody looked last, and which traces tell of it?

A look lasts until nobody has opened the page for half an hour: what has changed stays while it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from evaluation.judges.against_people import behind, pairs
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import LastLook
from evaluation.judges.trust.kept_figures import Kept
from ingest.json_objects import Json
from reviewapp.models import User

LOOK_LASTS, WRITTEN_EVERY = timedelta(minutes=30), timedelta(minutes=1)
SHARES = (("tpr", "TPR"), ("tnr", "TNR"), ("agreement", "agreement"))
SEEN = ("state", "n", *(name for name, _ in SHARES))
TO_READ = 3


@dataclass(frozen=True, slots=True)
class Changed:
    """`shares` are those figures that are others now: words, then, now. `to_read` are disagreements that are
    new since then, the costliest first; where none is (`are_new`), the costliest of all."""

    at: datetime
    before: Json
    now: Json
    shares: list[tuple[str, Json, Json]]
    to_read: list[pairs.Pair]
    are_new: bool


def last_look(user: User, scope: Scope, kept: Kept) -> Changed | None:
    """What has changed since then, if anything; this look is kept for the next one."""
    assert kept.figures is not None
    seen = {name: kept.figures["api"][name] for name in SEEN} | {"version": scope.version.label}
    at, before = _remember(user, scope, seen)
    if before == seen:
        return None
    shares = [(words, before[name], seen[name]) for name, words in SHARES if before[name] != seen[name]]
    new = behind.newer(scope, kept.figures["page"]["sampling"], at, kept.every_disagreement())
    listed = (new or kept.figures["first"])[:TO_READ]
    return Changed(at, before, seen, shares, pairs.page(scope, "", known=listed).pairs, are_new=bool(new))


def _remember(user: User, scope: Scope, seen: Json) -> tuple[datetime, Json]:
    """When the look before this one ended, and what stood there; where this is the first one, what it began
    with."""
    began: Json = {"now": seen, "was": seen, "was_at": timezone.now().isoformat()}
    look, _ = LastLook.objects.get_or_create(user=user, judge=scope.version.judge, defaults={"seen": began})
    if "now" not in look.seen:
        told = began
    elif timezone.now() - look.at > LOOK_LASTS:
        told = {"now": seen, "was": look.seen["now"], "was_at": look.at.isoformat()}
    else:
        told = look.seen | {"now": seen}
    if told != look.seen or timezone.now() - look.at > WRITTEN_EVERY:
        look.at, look.seen = timezone.now(), told
        look.save(update_fields=["at", "seen"])
    return datetime.fromisoformat(told["was_at"]), told["was"]
