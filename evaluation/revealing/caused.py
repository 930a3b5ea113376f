"""What did a reviewer's labels lead to on this floor: golden cases, versions, blocked deploys?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max
from django.urls import reverse

from evaluation.golden.models import Candidate, CandidateState, VersionEntry
from evaluation.runs.models import CaseResult, Decision, ResultStatus
from ingest.models import Project
from reviewapp.models import User
from reviewapp.review.models import Assignment, Queue, Resolution, State
from reviewapp.review.models.queues import AssignmentQuerySet

# The newest labels of a reviewer that are followed up.
MOST_LABELS = 2000


@dataclass(frozen=True, slots=True)
class Caused:
    icon: str
    strong: str
    words: str
    address: str = ""
    link: str = ""


def tell(project: Project, reviewer: User, queue: Queue | None = None) -> list[Caused]:
    """By all labels, or by those in one queue; nothing yet is an empty list."""
    mine = Assignment.objects.filter(item__queue__project=project, reviewer=reviewer, state=State.SUBMITTED)
    confirmed = _confirmed(mine.filter(item__queue=queue) if queue else mine)
    proposed = list(Candidate.objects.filter(project=project, resolution_id__in=confirmed))
    waiting = sum(each.state == CandidateState.OPEN for each in proposed)
    promoted = {each.case_id for each in proposed if each.state in _TAKEN and each.case_id}
    rows = []
    if waiting:
        rows.append(Caused("clock", f"{waiting} proposed", "as golden cases; a lead decides"))
    if promoted:
        rows.append(_promoted(project.slug, promoted))
    if blocked := _blocked(promoted):
        words = "a deploy" if len(blocked) == 1 else f"{len(blocked)} deploys"
        address = reverse("run", args=[project.slug, blocked[0]])
        rows.append(
            Caused("close", f"Blocked {words}", "by failing one of these cases", address, "read the report")
        )
    return rows


_TAKEN = (CandidateState.ACCEPTED, CandidateState.MERGED)


def _confirmed(mine: AssignmentQuerySet) -> list[int]:
    """Standing confirmed failures that rest on a label of this reviewer and of which they may know."""
    labels = (
        mine.told().order_by("-submitted_at").values_list("item_id", "counted_id", "current_id")[:MOST_LABELS]
    )
    given = {item: {counted, current} for item, counted, current in labels}
    found = (
        Resolution.objects.confirmed_failures().filter(item__in=given).values_list("pk", "item_id", "labels")
    )
    return [pk for pk, item, rests_on in found if given[item] & set(rests_on)]


def _promoted(project: str, cases: set[int]) -> Caused:
    """ "to the golden dataset support, now v14": the newest version that holds one of them."""
    newest = (
        VersionEntry.objects.filter(case__in=cases, version__withdrawn_at=None)
        .values("version__dataset__name")
        .annotate(number=Max("version__number"))
        .order_by("-number")
        .first()
    )
    words = f"{len(cases)} promoted"
    if newest is None:
        return Caused("box", words, "to the golden dataset")
    name = newest["version__dataset__name"]
    where = f"to the golden dataset {name}, now v{newest['number']}"
    return Caused("box", words, where, reverse("golden_dataset", args=[project, name]), "see the dataset")


def _blocked(cases: set[int]) -> list[UUID]:
    """Runs that were refused and in which one of these cases failed, the latest first."""
    failed = CaseResult.objects.filter(case__in=cases, status=ResultStatus.FAIL, run__decision=Decision.FAIL)
    return list(failed.order_by("-run__pk").values_list("run__public_id", flat=True).distinct())
