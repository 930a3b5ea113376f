"""Which model answers in a version's name? Where another one does, the provider has changed it unseen."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from evaluation.judges.calls.endpoints import PINNED
from evaluation.judges.calls.protocol import FIRST_ANCHOR_TRIAL
from evaluation.judges.models import AnsweredModel, JudgeVersion, Judgment, Kind

# What this process has written already, so that most judgments cost no statement.
_noted: set[tuple[int, str]] = set()


def note(judgment: Judgment, model: str) -> None:
    """Keep when a model was first heard of. A judge of rules lives in the time of its traces, but is asked
    about its anchors now."""
    version = judgment.version
    if not model or (version.pk, model) in _noted:
        return
    lives_then = version.kind == Kind.RULES and judgment.trial < FIRST_ANCHOR_TRIAL
    at = judgment.trace.started_at if lives_then else timezone.now()
    kept, is_new = AnsweredModel.objects.get_or_create(
        version=version, model=model, defaults={"first_at": at}
    )
    if version.kind == Kind.RULES:
        if not is_new and at < kept.first_at:
            AnsweredModel.objects.filter(pk=kept.pk, first_at__gt=at).update(first_at=at)
        return
    transaction.on_commit(lambda: _noted.add((version.pk, model)))


def changed(version: JudgeVersion) -> list[tuple[datetime, str, str]]:
    """Each time another model answered than the one that is pinned, else than the first one: when, what it
    had been, what it is."""
    heard = list(version.answered.order_by("first_at", "pk").values_list("first_at", "model"))
    if not heard:
        return []
    first = heard[0][1]
    pinned = version.model if PINNED.search(version.model) and PINNED.search(first) else first
    return [(at, _bare(pinned), model) for at, model in heard if not is_same(pinned, model)]


def staleness(version: JudgeVersion) -> str:
    """Why what was found of the version no longer holds, if another model answers in its name."""
    found = changed(version)
    if not found:
        return ""
    at, pinned, model = found[-1]
    return f"{model} has answered instead of {pinned} since {at:%Y-%m-%d}"[:200]


def is_same(one: str, other: str) -> bool:
    """Providers leave out their own name, or put it before."""
    return _bare(one) == _bare(other)


def _bare(model: str) -> str:
    return model.strip().lower().rpartition("/")[2]
