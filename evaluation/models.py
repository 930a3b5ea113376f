"""The tables of the top floor, each defined with its topic."""

from evaluation.changes.models import ChangeEvent
from evaluation.golden.models import (
    Candidate,
    CaseRevision,
    Download,
    GoldenCase,
    GoldenDataset,
    GoldenVersion,
    VersionBody,
    VersionEntry,
)
from evaluation.judges.models import (
    Anchor,
    AnchorSet,
    AnsweredModel,
    CalibrationPoint,
    Certificate,
    Disagreement,
    EndpointHealth,
    ImportedPair,
    Judge,
    JudgeRun,
    JudgeVersion,
    Judgment,
    LastLook,
    MonthlySpend,
    Reservation,
    TryOut,
)
from evaluation.ranking.models import Alike, RankingModel
from evaluation.retention.models import Erasure
from evaluation.runs.models import CaseResult, CiRun, RunUpload

__all__ = [
    "Alike",
    "Anchor",
    "AnchorSet",
    "AnsweredModel",
    "CalibrationPoint",
    "Candidate",
    "CaseResult",
    "CaseRevision",
    "Certificate",
    "ChangeEvent",
    "CiRun",
    "Disagreement",
    "Download",
    "EndpointHealth",
    "Erasure",
    "GoldenCase",
    "GoldenDataset",
    "GoldenVersion",
    "ImportedPair",
    "Judge",
    "JudgeRun",
    "JudgeVersion",
    "Judgment",
    "LastLook",
    "MonthlySpend",
    "RankingModel",
    "Reservation",
    "RunUpload",
    "TryOut",
    "VersionBody",
    "VersionEntry",
]
