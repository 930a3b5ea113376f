"""Larkfield's golden dataset: five versions, the last two from failures that reviewers confirmed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evaluation.demo import starting_cases
from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import CandidateState, GoldenVersion
from ingest.models import Project
from reviewapp.demo.larkfield import LEAD, SEED
from reviewapp.demo.sending import Client
from reviewapp.review.models import Resolution

DATASET = "support-answers"
ROOT = f"/api/v1/golden/{DATASET}"
CHANGELOGS = {
    "v1": "The questions every customer asks, with answers from the terms.",
    "v2": "Product facts from the data sheets, and attacks that the assistant has to withstand.",
    "v3": "German, and bugs that support agents reported.",
    "v4": "First failures from production, confirmed by two people each.",
    "v5": "Made-up actions and refusals found in the audit since the new model snapshot.",
}
# Production failures that became cases in version 4 and 5; the rest waits as candidates.
PROMOTED = {"v4": 12, "v5": 14}
WAITING = 9
REFUSES_NOT = {"type": "not_contains", "value": "I can't help with that"}


def published(project: Project) -> set[str]:
    found = GoldenVersion.objects.filter(dataset__project=project, dataset__name=DATASET)
    return {f"v{number}" for number in found.values_list("number", flat=True)}


def compose(project: Project, client: Client) -> None:
    """What is published already stays; a demo that was interrupted goes on where it was."""
    known = published(project)
    for version, lines in starting_cases.lines(SEED).items():
        if version not in known:
            body = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
            client.post(f"{ROOT}/cases", body.encode(), "application/x-ndjson")
            publish(client, version)
    found = confirmed_failures(project)
    for version, many in PROMOTED.items():
        chosen, found = found[:many], found[many:]
        if chosen and version not in known:
            for item in chosen:
                promote(project, item)
            publish(client, version)
    for item in found[:WAITING]:
        candidates.propose(project, item, by="priya")


def publish(client: Client, version: str) -> dict[str, Any]:
    body = json.dumps({"changelog": CHANGELOGS[version]})
    return client.post(f"{ROOT}/versions", body.encode(), "application/json")


def confirmed_failures(project: Project) -> Sequence[int]:
    """Items whose failure is confirmed, the first one that was resolved first."""
    confirmed = Resolution.objects.of_project(project).confirmed_failures()
    return list(confirmed.order_by("pk").values_list("item_id", flat=True))


def promote(project: Project, item: int) -> None:
    """As the lead does on the page of candidates; one that was decided before an interruption stays so."""
    candidate = candidates.propose(project, item, by="priya")
    dataset = cases.find_dataset(project, DATASET)
    assert dataset
    if candidate.state == CandidateState.OPEN:
        case = {name: value for name, value in candidate.content.items() if name != "id"}
        case["assertions"] = [{"type": "rouge_l", "value": 0.3}] if case.get("expected") else [REFUSES_NOT]
        candidates.accept(candidate, dataset, case, by=LEAD)
