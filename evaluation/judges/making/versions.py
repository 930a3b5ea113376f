"""Judges and their versions, each pinned by a fingerprint of all that can change its verdicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from evaluation.judges.calls import endpoints
from evaluation.judges.making.drafts import PAIR_PARSER, PARSER, drafted
from evaluation.judges.models import Judge, JudgeVersion, Kind, Stage
from ingest.models import Project
from reviewapp.review.models import VERDICT, RubricVersion


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


def create(
    project: Project,
    name: str,
    kind: Kind,
    *,
    rubric_version: RubricVersion | None = None,
    criterion: str = VERDICT,
    endpoint: str = "",
    prompt: str = "",
    parameters: Mapping[str, Any] | None = None,
    description: str = "",
    by: str = "",
) -> JudgeVersion:
    """A candidate that runs here; the judge is made when its name is new. The same identity is one version.

    A version without a prompt of its own pins the rubric's words. Raises drafts.Refused.
    """
    draft = drafted(
        kind,
        rubric_version=rubric_version,
        criterion=criterion,
        endpoint=endpoint,
        prompt=prompt,
        parameters=parameters,
    )
    judge, _ = Judge.objects.get_or_create(
        project=project,
        name=name,
        defaults={"criterion": criterion, "created_by": by, "description": description},
    )
    return pin(judge, kind, identity=draft.identity(), created_by=by, **draft.pinned())


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


def departed(version: JudgeVersion) -> str:
    """What would be asked in the version's name now and is not what it pins, if anything."""
    if version.kind == Kind.IMPORTED:
        return ""
    if version.parser and version.parser not in (PARSER, PAIR_PARSER):
        return f"answers are now read differently than by its parser {version.parser}"
    try:
        listed = endpoints.known().get(version.endpoint) if version.kind == Kind.LITELLM else None
    except endpoints.Misconfigured:
        return ""
    if listed and listed.model != version.model:
        return f"the endpoint {version.endpoint} names {listed.model} now instead of {version.model}"[:200]
    return ""


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
