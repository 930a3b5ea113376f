"""Which version of a judge speaks for it? A candidate goes live when people's labels bear it out."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Judge, JudgeVersion, Kind, Progress, Stage
from evaluation.judges.trust import certificates, kept_figures
from evaluation.statistics.certification import GoLive, go_live
from evaluation.statistics.change import difference
from evaluation.statistics.figure import Figure


class NotValidated(Exception):
    """A version that may not go live; `conditions` says which ones it does not meet."""

    def __init__(self, conditions: tuple[tuple[str, bool], ...]) -> None:
        self.conditions = conditions
        super().__init__("Not yet: " + "; ".join(name for name, holds in conditions if not holds) + ".")


def validate(version: JudgeVersion) -> tuple[GoLive, dict[str, Any]]:
    """Whether it may go live, and the figures that say so; beside the live version where there is one."""
    figures = kept_figures.of(Scope(version))["api"]
    live = version.judge.versions.filter(stage=Stage.LIVE).exclude(pk=version.pk).first()
    agreement, tpr, tnr = (Figure(**figures[name]) for name in ("agreement", "tpr", "tnr"))
    gap = _difference(agreement, live) if live else None
    found = go_live(agreement, tpr, tnr, gap)
    return found, {
        "at": timezone.now().isoformat(),
        "n": figures["n"],
        "confusion": figures["confusion"],
        "agreement": figures["agreement"],
        "tpr": figures["tpr"],
        "tnr": figures["tnr"],
        "difference": gap.as_dict() if gap else None,
        "conditions": [list(condition) for condition in found.conditions],
    }


def promote(version: JudgeVersion, by: str) -> JudgeVersion:
    """Make it live; the one before is retired in the same moment. Raises NotValidated."""
    if version.kind == Kind.IMPORTED:
        raise NotValidated((("it runs here, so that its verdicts come from live traffic", False),))
    found, figures = validate(version)
    if not found.allowed:
        raise NotValidated(found.conditions)
    with transaction.atomic():
        Judge.objects.select_for_update(no_key=True).get(pk=version.judge_id)
        now = timezone.now()
        for before in version.judge.versions.filter(stage=Stage.LIVE).exclude(pk=version.pk):
            retire(before)
        JudgeVersion.objects.filter(pk=version.pk).update(
            stage=Stage.LIVE, live_at=now, retired_at=None, validation={**figures, "by": by}
        )
    version.refresh_from_db()
    certificates.issue(version, by)
    kept_figures.forget([version])
    return version


@transaction.atomic
def retire(version: JudgeVersion) -> int:
    """It judges no more, and none takes its place; how many judgments that waited are not made."""
    JudgeVersion.objects.filter(pk=version.pk).exclude(stage=Stage.RETIRED).update(
        stage=Stage.RETIRED, retired_at=timezone.now()
    )
    waiting = version.judgments.filter(progress=Progress.WAITING)
    return waiting.update(progress=Progress.STOPPED, reason="the version was retired")


def _difference(agreement: Figure, live: JudgeVersion) -> Figure | None:
    """Agreement minus that of the live version, as of two samples: wider, so never too kind."""
    found = difference(Figure(**kept_figures.of(Scope(live))["api"]["agreement"]), agreement)
    return found if found.is_known else None
