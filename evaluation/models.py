"""The tables of the top floor, each topic's in its own room."""

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
)
from evaluation.ranking.models import Alike, RankingModel
from evaluation.runs.models import CaseResult, CiRun, RunUpload

__all__ = [
    "Alike",
    "Anchor",
    "AnchorSet",
    "CalibrationPoint",
    "Candidate",
    "CaseResult",
    "CaseRevision",
    "Certificate",
    "CiRun",
    "Disagreement",
    "Download",
    "EndpointHealth",
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
    "RunUpload",
    "VersionBody",
    "VersionEntry",
]
