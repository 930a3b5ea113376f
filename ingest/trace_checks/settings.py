"""The one write of a project's settings of a check, whether from a page or a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.models import Project
from ingest.trace_checks.rows import CheckSetting
from ingest.trace_checks.vocabulary import Check


class Refused(ValueError):
    """Parameters that cannot be taken; `errors` says of each why."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def differing(check: Check, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that differ from the check's own, each as it is kept. Raises Refused."""
    found, errors = {}, {}
    for parameter in check.parameters:
        try:
            value = parameter.read(values.get(parameter.name, parameter.default))
        except ValueError as error:
            errors[parameter.name] = f"{parameter.label}: {error}."
            continue
        if value != parameter.default:
            found[parameter.name] = value
    if errors:
        raise Refused(errors)
    return found


def change(project: Project, check: Check, *, enabled: bool, values: Mapping[str, Any]) -> CheckSetting:
    """Set a check of a project; it holds for whatever settles from now on. Raises Refused."""
    wanted = {"enabled": enabled, "parameters": differing(check, values)}
    setting, _ = CheckSetting.objects.update_or_create(project=project, name=check.name, defaults=wanted)
    return setting


def of_project(project: Project) -> dict[str, CheckSetting]:
    """The settings by the check's name; a check without one runs with its own parameters."""
    return {row.name: row for row in CheckSetting.objects.filter(project=project)}
