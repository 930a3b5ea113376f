"""Which judges do cases name, and which of them hold a valid certificate?

A rubric assertion names a judge of the project, by `judge` or as its value. Only a live version whose
certificate holds counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.golden.content.assertions import kind_of
from evaluation.judges.models import JudgeVersion, Stage
from evaluation.judges.trust import certificates
from ingest.json_objects import Json
from ingest.models import Project


def judges_of(line: Json) -> set[str]:
    """The judges that a case's assertions name."""
    rubrics = (each for each in line["assertions"] if kind_of(each.get("type")) == "rubric")
    return {str(each.get("judge") or each.get("value")) for each in rubrics}


def certified(project: Project) -> dict[str, JudgeVersion]:
    """The project's judges that the gate may rely on now, by name."""
    live = JudgeVersion.objects.filter(judge__project=project, judge__archived_at=None, stage=Stage.LIVE)
    return {
        version.judge.name: version for version in live.select_related("judge") if certificates.holds(version)
    }


def uncertified(project: Project, lines: Iterable[Json]) -> list[str]:
    """The ids of the judged cases among the lines that name a judge without a valid certificate."""
    named = {str(line["id"]): judges_of(line) for line in lines}
    named = {case_id: judges for case_id, judges in named.items() if judges}
    trusted = certified(project).keys() if named else set()
    return sorted(case_id for case_id, judges in named.items() if not judges <= trusted)
