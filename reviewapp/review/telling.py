"""What does the API return for queues, items and labels? Composed from rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from typing import Any

from django.db import connection

from ingest.models import Project
from reviewapp.review import answers, criteria_met, queues, shapes, snapshots
from reviewapp.review.leases import Lease
from reviewapp.review.models import (
    CriterionRevision,
    Label,
    Queue,
    ReviewItem,
    RubricVersion,
    Snapshot,
    Stage,
)

CHUNK = 500


def queue_list(project: Project) -> shapes.QueueList:
    found = Queue.objects.filter(project=project).select_related("rubric_version__rubric").order_by("slug")
    counts = queues.counts(project)
    return shapes.QueueList([_queue(queue, counts[queue.pk]) for queue in found])


def queue_told(queue: Queue) -> shapes.QueueTold:
    queue = Queue.objects.select_related("rubric_version__rubric", "project").get(pk=queue.pk)
    return _queue(queue, queues.counts(queue.project)[queue.pk])


def _queue(queue: Queue, counts: queues.Counts) -> shapes.QueueTold:
    age = (datetime.now(UTC) - counts.oldest).total_seconds() if counts.oldest else None
    return shapes.QueueTold(
        slug=queue.slug,
        name=queue.name,
        kind=queue.kind,  # type: ignore[arg-type]
        rubric=_rubric_name(queue.rubric_version),
        overlap=queue.overlap,
        lease_seconds=queue.lease_seconds,
        audit_every=queue.audit_every,
        blind=queue.blind,
        paused=queue.paused,
        archived=queue.archived_at is not None,
        assignment=queue.assignment,  # type: ignore[arg-type]
        due_days=queue.due_days,
        counts=shapes.QueueCounts(
            **{name: getattr(counts, name) for name in shapes.QueueCounts.__struct_fields__}
        ),
        oldest_at=counts.oldest,
        oldest_age_seconds=age,
    )


def _rubric_name(version: RubricVersion) -> shapes.RubricName:
    return shapes.RubricName(version.rubric.slug, version.number)


def rubric_told(version: RubricVersion) -> shapes.RubricTold:
    """A frozen version never changes, so it is composed once a process."""
    return _frozen_rubric_told(version.pk) if version.stage == Stage.FROZEN else _rubric_told(version)


@lru_cache(maxsize=256)
def _frozen_rubric_told(version_id: int) -> shapes.RubricTold:
    return _rubric_told(answers.version_of(version_id))


def _rubric_told(version: RubricVersion) -> shapes.RubricTold:
    return shapes.RubricTold(
        slug=version.rubric.slug,
        name=version.rubric.name,
        version=version.number,
        guidelines=version.guidelines,
        criteria=[_criterion(criterion) for criterion in answers.form_of(version).criteria],
        failure_modes=version.failure_modes,
    )


def _criterion(criterion: CriterionRevision) -> shapes.Criterion:
    """Of versions from before without the marks that have no effect."""
    told = {name: getattr(criterion, name) for name in shapes.Criterion.__struct_fields__}
    told["critical"] = criterion.is_critical
    told["weight"] = criterion.weight if criterion.weighs else 1.0
    return shapes.Criterion(**told)


def claimed(lease: Lease) -> shapes.Claimed:
    item = lease.item
    shown = _shown(item.snapshot)
    told = shapes.ItemTold(
        id=item.pk,
        queue=item.queue.slug,
        kind=item.kind,  # type: ignore[arg-type]
        trace_id=shown[0].trace_id if shown else item.trace.trace_id,
        other_trace_id=shown[1].trace_id if len(shown) > 1 else None,
        round=item.round,
        rubric_version=item.rubric_version.number,
        rubric=rubric_told(item.rubric_version),
        traces=shown,
        display_order=lease.display_order,  # type: ignore[arg-type]
        snapshot=_hex(item.snapshot),
    )
    return shapes.Claimed(told, lease_told(lease), lease.draft)


def lease_told(lease: Lease) -> shapes.LeaseTold:
    return shapes.LeaseTold(str(lease.token), lease.expires_at)


def _shown(snapshot: Snapshot | None) -> list[shapes.Shown]:
    content = snapshots.content(snapshot) if snapshot else {}
    views = [content[name] for name in ("trace", "a", "b") if name in content]
    return [shapes.Shown(*(view[name] for name in shapes.Shown.__struct_fields__)) for view in views]


def _hex(snapshot: Snapshot | None) -> str | None:
    return bytes(snapshot.sha256).hex() if snapshot else None


def item_state(item: ReviewItem) -> shapes.ItemState:
    state = ReviewItem.objects.values_list("state", flat=True).get(pk=item.pk)
    return shapes.ItemState(item.pk, state)  # type: ignore[arg-type]


def labelled(label: Label, values: dict[int, Any]) -> shapes.Labelled:
    """A label that was given just now, by what is known of it already; `values` by criterion id."""
    item = label.assignment.item
    asked = answers.form_of(label.rubric_version).asked
    given = {criterion.key: values[criterion.pk] for criterion in asked if criterion.pk in values}
    return shapes.Labelled(_label(label, given), shapes.ItemState(item.pk, item.state))  # type: ignore[arg-type]


def labelled_again(label: Label) -> shapes.Labelled:
    (told,) = labels_told([Label.objects.select_related(*RELATED).defer(*DEFERRED).get(pk=label.pk)])
    return shapes.Labelled(told, item_state(label.assignment.item))


RELATED = (
    "assignment__item__queue",
    "assignment__item__trace",
    "assignment__item__other_trace",
    "rubric_version__rubric",
    "reviewer",
    "token",
    "snapshot",
)
DEFERRED = (
    "snapshot__bytes",
    *(
        f"assignment__item__{trace}__{column}"
        for trace in ("trace", "other_trace")
        for column in ("search", "input", "output", "tags")
    ),
)


def labels_told(labels: Sequence[Label]) -> list[shapes.LabelTold]:
    given: dict[int, dict[str, Any]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(GIVEN, [[label.pk for label in labels]])
        for label, key, value in cursor.fetchall():
            given[label][key] = json.loads(value)
    return [_label(label, given[label.pk]) for label in labels]


GIVEN = """
    SELECT a.label_id, c.key, a.value FROM reviewapp_labelanswer a
    JOIN reviewapp_criterionrevision c ON c.id = a.criterion_id WHERE a.label_id = ANY(%s)
"""


def _label(label: Label, given: dict[str, Any]) -> shapes.LabelTold:
    assignment, token = label.assignment, label.token
    item = assignment.item
    asked = answers.form_of(label.rubric_version).asked
    other, trusted = item.other_trace, token.trusted_for_reviews if token else None
    counted = assignment.counted_id == label.pk and label.blind and item.purpose == "review"
    return shapes.LabelTold(
        id=label.pk,
        item_id=item.pk,
        trace_id=item.trace.trace_id,
        other_trace_id=other.trace_id if other else None,
        queue=item.queue.slug,
        round=item.round,
        lane=item.lane,  # type: ignore[arg-type]
        u=item.u,
        day=item.day,
        purpose=item.purpose,  # type: ignore[arg-type]
        rubric=_rubric_name(label.rubric_version),
        revision=label.revision,
        kind=label.kind,  # type: ignore[arg-type]
        via=label.via,  # type: ignore[arg-type]
        reviewer=label.reviewer.username,
        token=token.public_id if token else None,
        trusted=trusted,
        impersonated=label.impersonated,
        blind=label.blind,
        verdict=label.verdict or None,  # type: ignore[arg-type]
        preference=label.preference or None,  # type: ignore[arg-type]
        confidence=label.confidence or None,  # type: ignore[arg-type]
        answers=given,
        criteria_met=criteria_met.share((each, given[each.key]) for each in asked if each.key in given),
        failure_modes=label.failure_modes,
        note=label.note,
        corrected_output=label.corrected_output,
        seconds=label.seconds,
        created_at=label.created_at,
        snapshot=_hex(label.snapshot),
        standing=assignment.current_id == label.pk,
        in_figures=counted and (not label.impersonated or bool(trusted)),
    )


def label_lines(
    project: Project, since: datetime | None, after: int, hidden: Container[int] = ()
) -> Iterator[shapes.LabelTold]:
    """Every revision in the order of time and id, a chunk at a time.

    They end before the first one on a hidden trace: who takes them up by id misses none.
    """
    found = Label.objects.of_project(project).select_related(*RELATED).defer(*DEFERRED).order_by("pk")
    if since is not None:
        found = found.filter(created_at__gte=since)
    while chunk := list(found.filter(pk__gt=after)[:CHUNK]):
        told = list(takewhile(lambda label: not _is_on(label, hidden), chunk))
        yield from labels_told(told)
        if len(told) < len(chunk):
            return
        after = chunk[-1].pk


def _is_on(label: Label, traces: Container[int]) -> bool:
    item = label.assignment.item
    return item.trace_id in traces or item.other_trace_id in traces
