"""Which confirmed failures are proposed as cases, and what does a lead decide?

Nothing enters by a judge alone: a candidate needs a resolution that people confirmed, and it has to stand
when the case is made. Its content comes from what reviewers saw and wrote, through the project's redaction;
no score or verdict of a judge is part of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from evaluation.golden.content import lines
from evaluation.golden.content.lines import Case
from evaluation.golden.draft import cases, nearby, withheld
from evaluation.golden.models import (
    Candidate,
    CandidateState,
    CaseRevision,
    CaseState,
    GoldenCase,
    GoldenDataset,
    Origin,
)
from ingest.json_objects import Json
from ingest.models import Project
from ingest.redaction import policies
from reviewapp.models import Membership, Role
from reviewapp.review import snapshots
from reviewapp.review.models import Assignment, Label, Resolution, ReviewItem, State


class NotConfirmed(Exception):
    """Only a confirmed failure becomes a case: two independent reviewers, or one and a different lead."""


class AlreadyDecided(Exception):
    """Someone decided about this candidate before."""


class Refused(Exception):
    """A decision that cannot be taken as it was asked for; says why."""


def told_to(membership: Membership) -> QuerySet[Candidate]:
    """None whose trace this member still has to judge blind, or has and may not know yet what others said."""
    found = Candidate.objects.filter(project=membership.project_id).exclude(withheld.to_judge(membership))
    if Role(membership.role).allows(Role.LEAD):
        return found
    mine = Assignment.objects.filter(reviewer=membership.user_id, state=State.SUBMITTED).untold()
    return found.exclude(Exists(mine.filter(item__trace=OuterRef("trace"))))


def confirmed(project: Project, item_pk: int) -> Resolution | None:
    """The confirmed failure that counts for an item."""
    return (
        Resolution.objects.of_project(project)
        .confirmed_failures()
        .filter(item_id=item_pk)
        .select_related("item__trace", "item__snapshot", "item__rubric_version", "by")
        .first()
    )


def propose(project: Project, item_pk: int, by: str) -> Candidate:
    """One candidate per resolution, however often it is proposed. Raises NotConfirmed, BadCase."""
    resolution = confirmed(project, item_pk)
    if resolution is None:
        raise NotConfirmed("Two reviewers, or one and a different lead, have to find this failing first.")
    known = Candidate.objects.filter(project=project, resolution_id=resolution.pk).first()
    if known is not None:
        return known
    case = _case(project, resolution)
    try:
        with transaction.atomic():
            return Candidate.objects.create(
                project=project,
                trace=resolution.item.trace,
                resolution_id=resolution.pk,
                content=_content(case),
                title=lines.title_of(case),
                provenance=_provenance(resolution, nearest_case(project, case)),
                proposed_by=by,
            )
    except IntegrityError:
        return Candidate.objects.get(project=project, resolution_id=resolution.pk)


def _case(project: Project, resolution: Resolution) -> Case:
    item = resolution.item
    corrected = resolution.corrected_output or _of_labels(resolution, "corrected_output")
    note = resolution.note or _of_labels(resolution, "note")
    value: Json = {
        "input": {"messages": _asked(item)},
        "expected": {"text": corrected} if corrected else None,
        "tags": [item.trace.route[: lines.TAG_CHARACTERS]] if item.trace.route else [],
        "note": note,
        "metadata": {
            "source": Origin.PRODUCTION.value,
            "trace_id": item.trace.trace_id,
            "failure_modes": list(resolution.failure_modes),
        },
    }
    redacted = policies.redactor_of(project).value(_keepable(value), Counter())
    return lines.read({name: each for name, each in redacted.items() if each not in (None, "")})


def _keepable(value: Any) -> Any:
    """Without what jsonb cannot hold: a candidate waits as a row."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {name: _keepable(each) for name, each in value.items()}
    return [_keepable(each) for each in value] if isinstance(value, list) else value


def _of_labels(resolution: Resolution, column: str) -> str:
    texts = (
        Label.objects.filter(pk__in=resolution.labels).order_by("created_at").values_list(column, flat=True)
    )
    return next((text for text in texts if text), "")


def _asked(item: ReviewItem) -> list[Json]:
    """The conversation up to the answer that failed."""
    shown = snapshots.content(item.snapshot).get("trace", {}) if item.snapshot else {}
    messages = [
        {"role": each["role"], "content": each["text"]}
        for each in shown.get("messages", [])
        if each.get("text")
    ]
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    return messages or [{"role": "user", "content": shown.get("input") or item.trace.input or "(no input)"}]


def _content(case: Case) -> Json:
    return lines.parse(replace(case, case_id="-").line(1))


def _provenance(resolution: Resolution, nearest: nearby.Nearest | None) -> Json:
    people = Label.objects.filter(pk__in=resolution.labels).values_list("reviewer__username", flat=True)
    return {
        "item": resolution.item_id,
        "resolution": resolution.pk,
        "labels": list(resolution.labels),
        "reviewers": sorted(set(people)),
        "decided_by": resolution.by.username if resolution.by else "",
        "method": resolution.method,
        "rubric_version": resolution.item.rubric_version_id,
        "nearest": _named(nearest) if nearest else None,
    }


def _named(nearest: nearby.Nearest) -> Json:
    dataset, _, case_id = nearest.name.partition("/")
    return {"dataset": dataset, "case_id": case_id, "similarity": round(nearest.similarity, 3)}


def nearest_case(project: Project, case: Case, besides: str = "") -> nearby.Nearest | None:
    """The case of the project that asks most nearly the same, as dataset/id: datasets share ids."""
    rows = (
        CaseRevision.objects.filter(case__dataset__project=project, line__isnull=False)
        .exclude(case__state="retired")
        .filter(number=F("case__revision"))
        .order_by("pk")
        .values_list("case__dataset__name", "case__case_id", "line")
    )
    others = {
        name: lines.input_text(lines.parse(line)["input"])
        for dataset, case_id, line in rows.iterator(chunk_size=1000)
        if (name := f"{dataset}/{case_id}") != besides and line
    }
    return nearby.nearest(lines.input_text(case.input), others)


def accept(candidate: Candidate, dataset: GoldenDataset, sent: Json, by: str) -> GoldenCase:
    """Make it a case of the draft, as the lead edited it. Raises Refused or AlreadyDecided."""
    with transaction.atomic():
        locked = _undecided(candidate)
        case = lines.read({"metadata": locked.content["metadata"], **sent})
        cases.lock(dataset)
        if case.case_id and GoldenCase.objects.filter(dataset=dataset, case_id=case.case_id).exists():
            raise Refused(
                f"{dataset.name} holds a case {case.case_id} already; merge into it, or choose another id."
            )
        entering = cases.Entering(case, provenance=_entered(locked, by), trace=locked.trace)
        outcome = cases.put(dataset, [(0, entering)], by)[0]
        made = GoldenCase.objects.get(dataset=dataset, case_id=outcome.case_id)
        _decide(locked, CandidateState.ACCEPTED, by, case=made)
        return made


def merge(candidate: Candidate, into: GoldenCase, by: str) -> None:
    """It says what a case says already: the case keeps its text and gains the failure modes."""
    with transaction.atomic():
        locked = _undecided(candidate)
        cases.lock(into.dataset)
        into.refresh_from_db(fields=["state", "revision"])
        if into.state == CaseState.RETIRED:
            raise Refused(f"{into.case_id} is retired: restore it first, or promote this as a new case.")
        current = into.revisions.get(number=into.revision)
        if current.line is None:
            raise Refused("The text of this case was erased.")
        case = lines.from_line(current.line)
        modes = sorted({*case.metadata["failure_modes"], *locked.content["metadata"]["failure_modes"]})
        if modes != sorted(case.metadata["failure_modes"]):
            merged = replace(case, metadata={**case.metadata, "failure_modes": modes})
            cases.put(into.dataset, [(0, cases.Entering(merged))], by)
        _decide(locked, CandidateState.MERGED, by, case=into)


def reject(candidate: Candidate, reason: str, by: str) -> None:
    reason = reason.replace("\0", "\ufffd").strip()
    if not reason:
        raise Refused("Give a reason why it is not golden: the reviewers will ask.")
    with transaction.atomic():
        _decide(_undecided(candidate, needs_confirmation=False), CandidateState.REJECTED, by, reason=reason)


def _undecided(candidate: Candidate, *, needs_confirmation: bool = True) -> Candidate:
    locked = (
        Candidate.objects.select_for_update(of=("self",))
        .select_related("trace", "project")
        .get(pk=candidate.pk)
    )
    if locked.state != CandidateState.OPEN:
        raise AlreadyDecided(f"{locked.decided_by} decided about it before: {locked.get_state_display()}.")
    if needs_confirmation:
        standing = Resolution.objects.of_project(locked.project).confirmed_failures()
        if not standing.filter(pk=locked.resolution_id).exists():
            raise Refused("The failure behind it is no longer confirmed: a label was taken back.")
    return locked


def _entered(candidate: Candidate, by: str) -> Json:
    return {
        **candidate.provenance,
        "candidate": candidate.pk,
        "proposed_by": candidate.proposed_by,
        "accepted_by": by,
    }


def _decide(
    candidate: Candidate, state: CandidateState, by: str, *, case: GoldenCase | None = None, reason: str = ""
) -> None:
    Candidate.objects.filter(pk=candidate.pk).update(
        state=state, decided_by=by, decided_at=Now(), case=case, reason=reason
    )


def resolutions_behind(case_pks: list[int]) -> set[int]:
    """The resolutions that these cases rest on; publishing them makes their labels stay."""
    taken = Candidate.objects.filter(
        case_id__in=case_pks, state__in=(CandidateState.ACCEPTED, CandidateState.MERGED)
    )
    return set(taken.values_list("resolution_id", flat=True))


def unfounded(case_pks: list[int]) -> list[str]:
    """The ids of cases, never published before, whose failure is confirmed no more."""
    taken = Candidate.objects.filter(case_id__in=case_pks, state=CandidateState.ACCEPTED, case__entries=None)
    rests_on = dict(taken.values_list("resolution_id", "case__case_id"))
    standing = set(
        Resolution.objects.confirmed_failures().filter(pk__in=rests_on).values_list("pk", flat=True)
    )
    return sorted(case_id for pk, case_id in rests_on.items() if pk not in standing)
