"""The rows of judges: what they are, what they said, what people said, and what followed."""

from evaluation.judges.models.anchors import Anchor, AnchorSet
from evaluation.judges.models.calls import EndpointHealth, MonthlySpend, Reservation
from evaluation.judges.models.figures import CalibrationPoint, Certificate, LastLook
from evaluation.judges.models.judges import NAME_CHARACTERS, PREFERENCE, Judge, JudgeVersion, Kind, Stage
from evaluation.judges.models.judgments import (
    FINAL,
    AnsweredModel,
    JudgeRun,
    Judgment,
    JudgmentQuerySet,
    Origin,
    Progress,
    RunKind,
    Verdict,
)
from evaluation.judges.models.pairs import Disagreement, ImportedPair
from evaluation.judges.models.tryouts import TryOut

__all__ = [
    "FINAL",
    "NAME_CHARACTERS",
    "PREFERENCE",
    "Anchor",
    "AnchorSet",
    "AnsweredModel",
    "CalibrationPoint",
    "Certificate",
    "Disagreement",
    "EndpointHealth",
    "ImportedPair",
    "Judge",
    "JudgeRun",
    "JudgeVersion",
    "Judgment",
    "JudgmentQuerySet",
    "Kind",
    "LastLook",
    "MonthlySpend",
    "Origin",
    "Progress",
    "Reservation",
    "RunKind",
    "Stage",
    "TryOut",
    "Verdict",
]
