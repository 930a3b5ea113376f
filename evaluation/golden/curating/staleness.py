"""Which cases may be out of date, and why? Their rubric changed, or nobody has looked for a long time.

A case names the rubric version under which its failure was confirmed. When a later frozen version changed the
meaning of a criterion, dropped one, or changed its guidelines (the policy), somebody has to look at the case
again: to say that it is still right, to edit it, or to retire it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from evaluation.golden.draft import drafts
from evaluation.golden.models import CaseRevision, GoldenCase, GoldenDataset
from reviewapp.review.models import RubricVersion

UNSEEN_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a rubric since: in words, when, and the numbers of the two versions."""

    words: str
    at: datetime
    rubric: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Stale:
    case: GoldenCase
    why: str


def of(dataset: GoldenDataset) -> list[Stale]:
    """Active cases that someone should look at, those of a changed rubric first."""
    current = drafts.revisions(dataset).select_related("case").order_by("case__case_id")
    changed = changes(dataset)
    asked_otherwise = [
        Stale(each.case, why)
        for each in current.filter(provenance__rubric_version__in=list(changed)).defer("line")
        if (why := _why(each, changed))
    ]
    known = {each.case.pk for each in asked_otherwise}
    old = timezone.now() - UNSEEN_AFTER
    unseen = current.filter(_last_look_before(old)).exclude(case__in=known).defer("line")
    return asked_otherwise + [
        Stale(each.case, f"nobody has looked at it for {UNSEEN_AFTER.days} days") for each in unseen
    ]


def why(case: GoldenCase, revision: CaseRevision) -> str:
    """Of one case; empty when it is fresh."""
    asked_otherwise = _why(revision, changes(case.dataset))
    last = case.looked_at or revision.created_at
    if not asked_otherwise and last < timezone.now() - UNSEEN_AFTER:
        return f"nobody has looked at it for {UNSEEN_AFTER.days} days"
    return asked_otherwise


def _last_look_before(old: datetime) -> Q:
    return Q(case__looked_at__lt=old) | Q(case__looked_at=None, created_at__lt=old)


def _why(revision: CaseRevision, changed: dict[int, Change]) -> str:
    found = changed.get(revision.provenance.get("rubric_version") or 0)
    looked = revision.case.looked_at
    if found is None or (looked is not None and looked >= found.at):
        return ""
    return f"{found.words} in version {found.after} of {found.rubric}; confirmed under {found.before}"


def changes(dataset: GoldenDataset) -> dict[int, Change]:
    """For each rubric version that asks something else than the newest frozen one of its rubric: what."""
    versions = RubricVersion.objects.filter(rubric__project=dataset.project_id).frozen()
    newest: dict[int, RubricVersion] = {}
    found: dict[int, Change] = {}
    for version in versions.select_related("rubric").prefetch_related("criteria").order_by("-number"):
        last = newest.setdefault(version.rubric_id, version)
        words = _compared(version, last)
        if words and last.frozen_at:
            found[version.pk] = Change(words, last.frozen_at, last.rubric.name, version.number, last.number)
    return found


def _compared(before: RubricVersion, after: RubricVersion) -> str:
    if before.pk == after.pk:
        return ""
    now = {each.key: each.meaning for each in after.criteria.all()}
    asked = list(before.criteria.all())
    moved = [each for each in asked if now.get(each.key, each.meaning) != each.meaning]
    told = [f"{each.title} means something else" for each in moved]
    told += [f"{each.title} is asked no more" for each in asked if each.key not in now]
    if before.guidelines.strip() != after.guidelines.strip():
        told.append("the guidelines changed")
    return ", ".join(told[:3])


def confirm(dataset: GoldenDataset, case_ids: list[str], by: str) -> int:
    """Somebody looked, and they are still right."""
    found: Any = dataset.cases.filter(case_id__in=case_ids)
    return int(found.update(looked_at=timezone.now(), looked_by=by[:150]))
