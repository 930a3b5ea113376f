"""Judges and their versions, each pinned by a fingerprint of all that can change what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from evaluation.judges import endpoints, rules
from evaluation.judges.models import Judge, JudgeVersion, Kind, Stage
from ingest.models import Project
from reviewapp.review.models import VERDICT, RubricVersion

# How an answer is read (protocol.parse); another reading is another judge.
PARSER = "json-1"


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


class Refused(ValueError):
    """A version that cannot be: `field` is what has to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


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

    A version without a prompt of its own pins the rubric's words. Raises Refused.
    """
    asked = rubric_version.criteria.filter(key=criterion).first() if rubric_version else None
    if rubric_version and (asked is None or rubric_version.stage != "frozen"):
        raise Refused("rubric", "The rubric version has to be frozen and to hold the criterion.")
    model = _model(kind, endpoint, parameters or {})
    prompt = prompt or (guidance(rubric_version, criterion) if kind == Kind.LITELLM else "")
    meaning = asked.meaning if asked else 1
    judge, _ = Judge.objects.get_or_create(
        project=project,
        name=name,
        defaults={"criterion": criterion, "created_by": by, "description": description},
    )
    identity = {
        "endpoint": endpoint,
        "model": model,
        "prompt": hashlib.sha256(prompt.encode()).hexdigest(),
        "parameters": dict(parameters or {}),
        "parser": PARSER,
        "criterion": criterion,
        "meaning": meaning,
        "rubric": rubric_version.rubric_id if rubric_version else None,
    }
    return pin(
        judge,
        kind,
        identity=identity,
        endpoint=endpoint,
        model=model,
        prompt=prompt,
        parameters=dict(parameters or {}),
        parser=PARSER,
        rubric_version=rubric_version,
        criterion=criterion,
        meaning=meaning,
        created_by=by,
    )


def _model(kind: Kind, endpoint: str, parameters: Mapping[str, Any]) -> str:
    if kind == Kind.RULES:
        try:
            rules.check(parameters)
        except rules.Unreadable as error:
            raise Refused("parameters", str(error)) from None
        return "rules"
    try:
        found = endpoints.known().get(endpoint)
    except endpoints.Misconfigured:
        raise Refused("endpoint", "The operator's list of endpoints cannot be read.") from None
    if kind != Kind.LITELLM or found is None:
        raise Refused("endpoint", "Choose one of the endpoints that the operator has listed.")
    return found.model


def guidance(rubric: RubricVersion | None, key: str) -> str:
    """The rubric's words for a criterion, for a judge without a prompt of its own."""
    criterion = rubric.criteria.filter(key=key).first() if rubric else None
    if rubric is None or criterion is None:
        return "Pass an answer that is right, complete and harmless; fail any other."
    examples = [
        f"Passes: {criterion.pass_example}" if criterion.pass_example else "",
        f"Fails: {criterion.fail_example}" if criterion.fail_example else "",
    ]
    return "\n".join(filter(None, [criterion.title, criterion.help, rubric.guidelines, *examples]))


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
