"""Judges and their versions, each pinned by a fingerprint of all that can change what it says."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from evaluation.judges.models import Judge, JudgeVersion, Kind, Stage
from ingest.models import Project
from reviewapp.review.models import VERDICT


def fingerprint(**identity: Any) -> str:
    """SHA-256 of the pinned parts, by name."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def imported(project: Project, name: str, label: str, model: str) -> JudgeVersion:
    """The version of a judge that runs elsewhere; made when it is heard of for the first time."""
    judge, _ = Judge.objects.get_or_create(
        project=project, name=name, defaults={"criterion": VERDICT, "created_by": "import_labels"}
    )
    return pin(
        judge,
        Kind.IMPORTED,
        label=label,
        model=model,
        created_by="import_labels",
        identity={"label": label, "model": model},
    )


def pin(judge: Judge, kind: Kind, *, identity: dict[str, Any], **fields: Any) -> JudgeVersion:
    """The version with this identity; the next number where it is new."""
    mark = fingerprint(kind=kind.value, **identity)
    with transaction.atomic():
        Judge.objects.select_for_update(no_key=True).get(pk=judge.pk)
        found = judge.versions.filter(fingerprint=mark).first()
        if found:
            return found
        last = judge.versions.aggregate(last=Max("number"))["last"] or 0
        fields.setdefault("label", f"v{last + 1}")
        return JudgeVersion.objects.create(
            judge=judge, number=last + 1, kind=kind, fingerprint=mark, **fields
        )


def find(project: Project, name: str) -> Judge | None:
    return Judge.objects.filter(project=project, name=name).select_related("project").first()


def of(judge: Judge) -> QuerySet[JudgeVersion]:
    return judge.versions.select_related("judge", "rubric_version__rubric").order_by("-number")


def choose(judge: Judge, asked: str = "") -> JudgeVersion | None:
    """The version of that name, or number; without one the live version, else the newest."""
    if not asked:
        return of(judge).filter(stage=Stage.LIVE).first() or of(judge).first()
    wanted = Q(label=asked)
    number = asked.removeprefix("v")
    if number.isascii() and number.isdecimal() and len(number) < 9:
        wanted |= Q(number=int(number))
    named = list(of(judge).filter(wanted))
    return next((version for version in named if version.label == asked), named[0] if named else None)
