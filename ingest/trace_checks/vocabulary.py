"""The words of the checks: a check, what it said of a trace, and how a project wants its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.records import CHECK_KEYS
from ingest.trace_checks.parameters import Parameter
from ingest.trace_checks.subject import Subject

# Changes when a check of equal parameters would answer otherwise than before.
VERSION = "1"
EVALUATOR = {"name": "touchstone", "version": VERSION}
# Scores of these names, and keys that begin so, are the checks' own.
SCORE_PREFIX = "check."
KEY_PREFIX = CHECK_KEYS

Compiled = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    explanation: str


# None: the check does not apply to this trace.
Judge = Callable[[Subject, Compiled], Verdict | None]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    title: str
    # What a failure means, in one sentence.
    finds: str
    # What it does not see, or takes for a failure wrongly.
    misses: str
    judge: Judge
    parameters: tuple[Parameter, ...] = ()

    def defaults(self) -> dict[str, Any]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def compiled(self, values: Mapping[str, Any]) -> Compiled:
        """Raises ValueError, naming the parameter, for a value that cannot be taken."""
        ready = {}
        for parameter in self.parameters:
            try:
                value = parameter.read(values.get(parameter.name, parameter.default))
            except ValueError as error:
                raise ValueError(f"{parameter.label} {error}.") from None
            ready[parameter.name] = parameter.compiled(value)
        return ready

    @property
    def score_name(self) -> str:
        return SCORE_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's word on one trace: `passed` is None and `error_type` set where the check itself broke.

    `parameters` are the ones that differ from the check's own.
    """

    name: str
    passed: bool | None
    explanation: str
    error_type: str = ""
    parameters: Mapping[str, Any] | None = None

    @property
    def score_name(self) -> str:
        return SCORE_PREFIX + self.name


def passed(explanation: str) -> Verdict:
    return Verdict(True, explanation)


def failed(explanation: str) -> Verdict:
    return Verdict(False, explanation)
