"""What would a version of a judge pin? Checked and filled in, before there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from evaluation.judges.calls import endpoints, rules, votes, wording
from evaluation.judges.models import PREFERENCE, Kind
from reviewapp.review.models import RubricVersion

# How an answer is read (protocol.parse, protocol.parse_pair); another reading is another judge.
PARSER, PAIR_PARSER = "json-1", "pair-1"
ANY_PAIR = "Prefer the answer that is right, complete and harmless; of two such, the shorter one."


class Refused(ValueError):
    """A version that cannot be: `field` is what has to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Draft:
    """All that is pinned but the name."""

    kind: Kind
    endpoint: str
    model: str
    prompt: str
    parameters: dict[str, Any]
    parser: str
    rubric_version: RubricVersion | None
    criterion: str
    meaning: int

    def pinned(self) -> dict[str, Any]:
        """The columns of a version."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "kind"}

    def identity(self) -> dict[str, Any]:
        """What makes it another version; of the rubric, which one it is and what the criterion means."""
        told = self.pinned() | {"prompt": hashlib.sha256(self.prompt.encode()).hexdigest()}
        rubric_version = told.pop("rubric_version")
        return told | {"rubric": rubric_version.rubric_id if rubric_version else None}


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
        raise Refused("rubric", "The rubric version has to be frozen and to contain the criterion.")
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
        rubric_version=rubric_version,
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
