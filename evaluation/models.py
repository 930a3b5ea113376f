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
from evaluation.runs.models import CaseResult, CiRun, RunUpload

__all__ = [
    "Candidate",
    "CaseResult",
    "CaseRevision",
    "CiRun",
    "Download",
    "GoldenCase",
    "GoldenDataset",
    "GoldenVersion",
    "RunUpload",
    "VersionBody",
    "VersionEntry",
]
