"""What did a reviewer's labels in a queue lead to on this floor: golden cases, versions, blocked deploys?"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max

from evaluation.golden.models import Candidate, CandidateState, VersionEntry
from evaluation.runs.models import CaseResult, Decision, ResultStatus
from reviewapp.models import User
from reviewapp.review.models import Assignment, Queue, Resolution, State

# The newest labels of a reviewer that are followed up.
MOST_LABELS = 2000


@dataclass(frozen=True, slots=True)
class Caused:
    icon: str
    strong: str
    words: str


def tell(queue: Queue, reviewer: User) -> list[Caused]:
    """Nothing yet is an empty list."""
    proposed = list(
        Candidate.objects.filter(project=queue.project_id, resolution_id__in=_confirmed(queue, reviewer))
    )
    waiting = sum(each.state == CandidateState.OPEN for each in proposed)
    promoted = {each.case_id for each in proposed if each.state in _TAKEN and each.case_id}
    rows = []
    if waiting:
        rows.append(Caused("clock", f"{waiting} proposed", "as golden cases; a lead decides"))
    if promoted:
        rows.append(Caused("box", f"{len(promoted)} promoted", f"to the golden dataset{_where(promoted)}"))
    if blocked := _blocked(promoted):
        words = "a deploy" if blocked == 1 else f"{blocked} deploys"
        rows.append(Caused("close", f"Blocked {words}", "by failing one of these cases"))
    return rows


_TAKEN = (CandidateState.ACCEPTED, CandidateState.MERGED)


def _confirmed(queue: Queue, reviewer: User) -> list[int]:
    """Standing confirmed failures that rest on a label of this reviewer and of which they may know."""
    mine = Assignment.objects.filter(item__queue=queue, reviewer=reviewer, state=State.SUBMITTED).told()
    labels = mine.order_by("-submitted_at").values_list("item_id", "counted_id", "current_id")[:MOST_LABELS]
    given = {item: {counted, current} for item, counted, current in labels}
    found = (
        Resolution.objects.confirmed_failures().filter(item__in=given).values_list("pk", "item_id", "labels")
    )
    return [pk for pk, item, rests_on in found if given[item] & set(rests_on)]


def _where(cases: set[int]) -> str:
    """ " support v14": the newest version that holds one of them; empty before one is published."""
    newest = (
        VersionEntry.objects.filter(case__in=cases, version__withdrawn_at=None)
        .values("version__dataset__name")
        .annotate(number=Max("version__number"))
        .order_by("-number")
        .first()
    )
    return f" {newest['version__dataset__name']}, now v{newest['number']}" if newest else ""


def _blocked(cases: set[int]) -> int:
    """Runs that were refused and in which one of these cases failed."""
    failed = CaseResult.objects.filter(case__in=cases, status=ResultStatus.FAIL, run__decision=Decision.FAIL)
    return failed.values("run").distinct().count()
