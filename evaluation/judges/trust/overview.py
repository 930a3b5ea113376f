"""Which judges does a project have, and in what state is each?"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Prefetch

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import PREFERENCE, Judge, JudgeVersion, Stage
from evaluation.judges.pairwise import comparing
from evaluation.judges.trust import calibration, kept_figures, kept_pairs
from ingest.models import Project


def judges(project: Project) -> list[Judge]:
    """With their versions, the newest first, and each version's rubric."""
    versions = JudgeVersion.objects.select_related("judge", "rubric_version__rubric").order_by("-number")
    return list(
        Judge.objects.filter(project=project, archived_at=None)
        .prefetch_related(Prefetch("versions", versions))
        .annotate(version_count=Count("versions"))
        .order_by("name")
    )


def shown(judge: Judge) -> JudgeVersion | None:
    """The live version, else the newest, of a judge that came with its versions."""
    all_versions = list(judge.versions.all())
    live = (version for version in all_versions if version.stage == Stage.LIVE)
    return next(live, all_versions[0] if all_versions else None)


def tell(project: Project) -> list[dict[str, Any]]:
    """Each judge with its shown version's state and first figures."""
    told = []
    listed = [(judge, shown(judge)) for judge in judges(project)]
    kept = kept_figures.look_all([Scope(version) for _, version in listed if version])
    for judge, version in listed:
        looked = kept[version.pk] if version else None
        figures = looked.figures["api"] if looked and looked.figures else calibration.nothing(judge)
        if version and version.criterion == PREFERENCE:
            figures = figures | kept_pairs.keep(version, comparing.brief(version))
        told.append(
            {
                "name": judge.name,
                "criterion": judge.criterion,
                "description": judge.description,
                "version": version.label if version else None,
                "stage": version.stage if version else None,
                "kind": version.kind if version else None,
                "model": version.model if version else None,
                "versions": [each.label for each in judge.versions.all()],
                "state": figures["state"],
                "n": figures["n"],
                "agreement": figures["agreement"],
                "tpr": figures["tpr"],
                "tnr": figures["tnr"],
                "family_warning": figures["judge"].get("family", {}).get("warning"),
                "is_computing": bool(looked and looked.figures is None),
            }
        )
    return told
