"""Which version of a judge counts? A candidate goes live once people's labels confirm it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from evaluation.judges.against_people import beside
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Judge, JudgeVersion, Kind, Progress, Stage
from evaluation.judges.stability import rounds
from evaluation.judges.trust import certificates, kept_figures
from evaluation.statistics.certification import GoLive, go_live
from evaluation.statistics.figure import Figure
from ingest.json_objects import Json


class NotValidated(Exception):
    """A version that may not go live; `conditions` says which ones it does not meet."""

    def __init__(self, conditions: tuple[tuple[str, bool], ...], beside: str = "") -> None:
        self.conditions = conditions
        missed = "; ".join(name for name, holds in conditions if not holds)
        super().__init__(" ".join(filter(None, [f"Not yet: {missed}.", beside])))


def validate(version: JudgeVersion) -> tuple[GoLive, Json]:
    """Whether it may go live, and the figures that say so; beside the live version where there is one."""
    return weigh(version, kept_figures.of(Scope(version)))


def weigh(version: JudgeVersion, figures: Json) -> tuple[GoLive, Json]:
    """The same of figures that are at hand."""
    api, compared = figures["api"], figures["page"]["beside"]
    agreement, tpr, tnr = (Figure(**api[name]) for name in ("agreement", "tpr", "tnr"))
    found = go_live(
        agreement,
        tpr,
        tnr,
        Figure(**compared["difference"]) if compared else None,
        rounds.asked(version),
        is_sample=figures["page"]["sampling"] != "unknown",
    )
    return found, {
        "at": timezone.now().isoformat(),
        "n": api["n"],
        "confusion": api["confusion"],
        "agreement": api["agreement"],
        "tpr": api["tpr"],
        "tnr": api["tnr"],
        "beside": compared,
        "allowed": found.allowed,
        "conditions": [list(condition) for condition in found.conditions],
    }


def told(version: JudgeVersion, figures: Json | None) -> Json:
    """For page and API: what a version was let live by, or how it stands while it is not live."""
    if version.kind == Kind.IMPORTED:
        return {}
    if version.stage != Stage.LIVE and figures:
        return {**weigh(version, figures)[1], "at": None}
    return dict(version.validation)


def promote(version: JudgeVersion, by: str) -> JudgeVersion:
    """Make it live; the one before is retired in the same moment. Raises NotValidated."""
    if version.kind == Kind.IMPORTED:
        raise NotValidated((("it runs here, so that its verdicts come from live traffic", False),))
    found, figures = validate(version)
    if not found.allowed:
        raise NotValidated(found.conditions, beside.in_words(figures["beside"]))
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
    """It stops judging, and no version takes its place; how many judgments that waited are not made."""
    JudgeVersion.objects.filter(pk=version.pk).exclude(stage=Stage.RETIRED).update(
        stage=Stage.RETIRED, retired_at=timezone.now()
    )
    waiting = version.judgments.filter(progress=Progress.WAITING)
    return waiting.update(progress=Progress.STOPPED, reason="the version was retired")
