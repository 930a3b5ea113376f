"""The page of a judge that compares two answers: does it agree with people, and does order sway it?"""

from __future__ import annotations

from typing import Any

from evaluation.judges.against_people.probes import kinship, told_kinship
from evaluation.judges.models import JudgeVersion
from evaluation.judges.pairwise import comparing
from evaluation.judges.trust import kept_pairs


def context(version: JudgeVersion) -> dict[str, Any]:
    """What the page of a pairwise judge shows beside what every judge's page does."""
    told = kept_pairs.keep(version, comparing.tell(version))
    return {
        "pairwise": told,
        "choices": comparing.CHOICES,
        "rows": [
            (row["people"], [(judge, row["judge"][judge]) for judge in comparing.CHOICES])
            for row in told["confusion"]
        ],
        "differing": comparing.disagreements(version),
        "family": told_kinship(kinship(version)),
    }
