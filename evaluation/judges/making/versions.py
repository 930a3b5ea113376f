"""Judges and their versions, each pinned by a fingerprint of all that can change what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from evaluation.judges.calls import endpoints, rules, votes, wording
from evaluation.judges.models import PREFERENCE, Judge, JudgeVersion, Kind, Stage
from ingest.models import Project
from reviewapp.review.models import VERDICT, RubricVersion

# How an answer is read (protocol.parse, protocol.parse_pair); another reading is another judge.
PARSER, PAIR_PARSER = "json-1", "pair-1"
ANY_PAIR = "Prefer the answer that is right, complete and harmless; of two such, the shorter one."


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
    identity = {
        "endpoint": endpoint,
        "model": draft.model,
        "prompt": hashlib.sha256(draft.prompt.encode()).hexdigest(),
        "parameters": draft.parameters,
        "parser": draft.parser,
        "criterion": criterion,
        "meaning": draft.meaning,
        "rubric": rubric_version.rubric_id if rubric_version else None,
    }
    return pin(
        judge,
        kind,
        identity=identity,
        endpoint=endpoint,
        model=draft.model,
        prompt=draft.prompt,
        parameters=draft.parameters,
        parser=draft.parser,
        rubric_version=rubric_version,
        criterion=criterion,
        meaning=draft.meaning,
        created_by=by,
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a version would pin, checked and filled in, before there is one."""

    kind: Kind
    endpoint: str
    model: str
    prompt: str
    parameters: dict[str, Any]
    parser: str
    criterion: str
    meaning: int


def drafted(
    kind: Kind,
    *,
    rubric_version: RubricVersion | None,
    criterion: str,
    endpoint: str = "",
    prompt: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> Draft:
    """Raises Refused."""
    of_pairs = criterion == PREFERENCE
    asked = rubric_version.criteria.filter(key=criterion).first() if rubric_version else None
    if rubric_version and ((asked is None and not of_pairs) or rubric_version.stage != "frozen"):
        raise Refused("rubric", "The rubric version has to be frozen and to hold the criterion.")
    given = dict(parameters or {})
    try:
        votes.check(given)
    except votes.Refused as refused:
        raise Refused("parameters", str(refused)) from None
    if given.get(votes.SAMPLES) == 1:
        del given[votes.SAMPLES]  # as if nothing were said of it
    return Draft(
        kind=kind,
        endpoint=endpoint,
        model=_model(kind, endpoint, given),
        prompt=_prompt(kind, prompt, rubric_version, criterion),
        parameters=given,
        parser=PAIR_PARSER if of_pairs else PARSER,
        criterion=criterion,
        meaning=asked.meaning if asked else 1,
    )


def _prompt(kind: Kind, prompt: str, rubric_version: RubricVersion | None, criterion: str) -> str:
    if not prompt:
        own = ANY_PAIR if criterion == PREFERENCE else guidance(rubric_version, criterion)
        return own if kind == Kind.LITELLM else ""
    try:
        wording.check(prompt)
    except wording.UnknownVariable as error:
        raise Refused("prompt", str(error)) from None
    return wording.filled(prompt, _of_rubric(rubric_version, criterion))


def _of_rubric(rubric_version: RubricVersion | None, key: str) -> dict[str, str]:
    """The variables of a rubric, by name."""
    asked = rubric_version.criteria.filter(key=key).first() if rubric_version else None
    if rubric_version is None or asked is None:
        return {}
    return {
        "criterion": asked.title,
        "help": asked.help,
        "guidelines": rubric_version.guidelines,
        "pass_example": asked.pass_example,
        "fail_example": asked.fail_example,
    }


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


def departed(version: JudgeVersion) -> str:
    """What would be asked in the version's name now and is not what it pins, if anything."""
    if version.kind == Kind.IMPORTED:
        return ""
    if version.parser and version.parser not in (PARSER, PAIR_PARSER):
        return f"answers are read otherwise now than by its parser {version.parser}"
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
