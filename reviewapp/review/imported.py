"""Labels that people gave elsewhere: stored as labels of this project, in chunks, and only once.

They stand in a queue of their own, under accounts that nobody can sign in to. A label that differs from the
one imported before is another revision of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from ingest.models import Project
from reviewapp import bulk
from reviewapp.models import User
from reviewapp.review.models import (
    VERDICT,
    Assignment,
    CriterionRevision,
    CriterionType,
    ItemState,
    Kind,
    Label,
    LabelAnswer,
    Method,
    Queue,
    Resolution,
    ReviewItem,
    Rubric,
    RubricVersion,
    Stage,
    State,
    Via,
)

SLUG = "imported"
MOST_REVIEWERS = 5
# The labels that count on an item, each with its verdict.
Said = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class ImportedLabel:
    """`trace` is the primary key of a trace of the project; `answers` by criterion key."""

    trace: int
    annotator: str
    verdict: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def content(self) -> tuple[Any, ...]:
        return self.verdict, dict(self.answers), self.note


def store(project: Project, labels: Sequence[ImportedLabel]) -> int:
    """Store what is new among these labels, in one transaction; how many labels or revisions that were."""
    with transaction.atomic():
        version = rubric_for(project, {key for label in labels for key in label.answers})
        queue = _queue(project, version)
        items = _items(queue, version, labels)
        reviewers = _reviewers(project, {label.annotator for label in labels})
        latest = {(items[label.trace].pk, reviewers[label.annotator].pk): label for label in labels}
        assignments = _assignments(latest)
        known = _known([each.current_id for each in assignments.values() if each.current_id])
        changed = {
            pair: label
            for pair, label in latest.items()
            if known.get(assignments[pair].current_id or 0) != label.content
        }
        if changed:
            _append(changed, assignments, version)
            _resolve({item for item, _ in changed})
    return len(changed)


def rubric_for(project: Project, keys: Iterable[str]) -> RubricVersion:
    """The newest version of the rubric of imports, one with these criteria; made where there is none."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rubric, _ = Rubric.objects.get_or_create(
        project=project, slug=SLUG, defaults={"name": "Imported labels", "description": "Made elsewhere."}
    )
    newest = rubric.versions.frozen().order_by("-number").first()
    had = set(newest.criteria.values_list("key", flat=True)) if newest else set()
    wanted = {*keys, VERDICT}
    if newest and wanted <= had:
        return newest
    version = RubricVersion.objects.create(rubric=rubric, number=newest.number + 1 if newest else 1)
    others = sorted((wanted | had) - {VERDICT})
    CriterionRevision.objects.bulk_create(
        [
            CriterionRevision(version=version, key=VERDICT, title="Verdict", required=True),
            *(
                CriterionRevision(
                    version=version, key=key, title=key, position=place, type=CriterionType.TEXT
                )
                for place, key in enumerate(others, 1)
            ),
        ]
    )
    RubricVersion.objects.filter(pk=version.pk).update(stage=Stage.FROZEN, frozen_at=Now())
    version.refresh_from_db()
    return version


def _queue(project: Project, version: RubricVersion) -> Queue:
    queue, is_new = Queue.objects.get_or_create(
        project=project,
        slug=SLUG,
        defaults={"name": "Imported labels", "rubric_version": version, "paused": True},
    )
    if not is_new and queue.rubric_version_id != version.pk:
        Queue.objects.filter(pk=queue.pk).update(rubric_version=version)
    return queue


def _items(queue: Queue, version: RubricVersion, labels: Sequence[ImportedLabel]) -> dict[int, ReviewItem]:
    """One item a trace, by the trace's key."""
    traces = sorted({label.trace for label in labels})
    with connection.cursor() as cursor:
        bulk.insert(
            cursor,
            ReviewItem,
            {"trace_id": ("bigint", traces), "subject": ("text", [str(trace) for trace in traces])},
            constants=bulk.defaults(
                ReviewItem(
                    queue=queue,
                    rubric_version=version,
                    state=ItemState.RESOLVED,
                    open_slots=0,
                    rank=0.0,
                    added_by="import_labels",
                ),
                "trace_id",
                "subject",
            ),
            conflict="ON CONFLICT DO NOTHING",
        )
    found = ReviewItem.objects.filter(queue=queue, trace__in=traces, round=1)
    return {item.trace_id: item for item in found.select_for_update(no_key=True).order_by("pk")}


def _reviewers(project: Project, names: Iterable[str]) -> dict[str, User]:
    """An account for each annotator of this project; it has no password and is nobody's member."""
    logins = {name: f"imported-{project.pk}-{name}"[:150] for name in names}
    User.objects.bulk_create(
        [
            User(username=login, first_name=name[:150], password="!", is_active=False)  # noqa: S106
            for name, login in sorted(logins.items())
        ],
        ignore_conflicts=True,
    )
    found = {user.username: user for user in User.objects.filter(username__in=logins.values())}
    return {name: found[login] for name, login in logins.items()}


Pair = tuple[int, int]


def _assignments(pairs: Iterable[Pair]) -> dict[Pair, Assignment]:
    pairs = set(pairs)
    items = {item for item, _ in pairs}
    ordered = sorted(pairs)
    with connection.cursor() as cursor:
        bulk.insert(
            cursor,
            Assignment,
            {
                "item_id": ("bigint", [item for item, _ in ordered]),
                "reviewer_id": ("bigint", [user for _, user in ordered]),
            },
            constants=bulk.defaults(Assignment(state=State.RELEASED), "item_id", "reviewer_id"),
            conflict="ON CONFLICT DO NOTHING",
        )
    rows = Assignment.objects.filter(item__in=items)
    return {(row.item_id, row.reviewer_id): row for row in rows if (row.item_id, row.reviewer_id) in pairs}


def _known(labels: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """What the labels imported before say."""
    answers: dict[int, dict[str, Any]] = {}
    for label, key, value in LabelAnswer.objects.filter(label__in=labels).values_list(
        "label_id", "criterion__key", "value"
    ):
        answers.setdefault(label, {})[key] = value
    return {
        pk: (verdict, answers.get(pk, {}), note)
        for pk, verdict, note in Label.objects.filter(pk__in=labels).values_list("pk", "verdict", "note")
    }


def _append(
    changed: Mapping[Pair, ImportedLabel], assignments: Mapping[Pair, Assignment], version: RubricVersion
) -> None:
    """Write the labels with their answers, and make them the ones that stand."""
    held = {pair: assignments[pair].pk for pair in changed}
    made = _write_labels(changed, held, version)
    criteria = dict(version.criteria.values_list("key", "pk"))
    LabelAnswer.objects.bulk_create(
        [
            LabelAnswer(label_id=made[held[pair]], criterion_id=criteria[key], value=value)
            for pair, label in changed.items()
            for key, value in label.answers.items()
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviewapp_assignment a SET state = 'submitted', current_id = l.id, counted_id = l.id, "
            "submitted_at = coalesce(a.submitted_at, now()) "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS l (assignment_id, id) WHERE a.id = l.assignment_id",
            [list(made), list(made.values())],
        )


def _write_labels(
    changed: Mapping[Pair, ImportedLabel], held: Mapping[Pair, int], version: RubricVersion
) -> dict[int, int]:
    """The new labels, by assignment; each is the next revision of what stood there."""
    last = dict(
        Label.objects.filter(assignment__in=held.values())
        .values_list("assignment")
        .annotate(last=Max("revision"))
    )
    columns: dict[str, bulk.Column] = {
        "assignment_id": ("bigint", list(held.values())),
        "reviewer_id": ("bigint", [user for _, user in changed]),
        "revision": ("int", [last.get(pk, 0) + 1 for pk in held.values()]),
        "kind": ("text", [Kind.AMEND if pk in last else Kind.ANSWER for pk in held.values()]),
        "verdict": ("text", [label.verdict for label in changed.values()]),
        "note": ("text", [label.note for label in changed.values()]),
    }
    with connection.cursor() as cursor:
        return dict(
            bulk.insert(
                cursor,
                Label,
                columns,
                constants=bulk.defaults(Label(via=Via.IMPORT, rubric_version=version), *columns),
                returning="assignment_id, id",
            )
        )


def _resolve(items: Iterable[int]) -> None:
    """Bring resolution and state of these items in line with their labels."""
    said: dict[int, Said] = {item: [] for item in items}
    counted = Assignment.objects.filter(item__in=said, counted__isnull=False).order_by("pk")
    for item, label, verdict in counted.values_list("item_id", "counted_id", "counted__verdict"):
        said[item].append((label, verdict))
    came_to = {item: outcome([verdict for _, verdict in labels]) for item, labels in said.items()}
    decided = {item: said[item] for item, verdict in sorted(came_to.items()) if verdict}
    standing = _write_resolutions(decided, came_to)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviewapp_reviewitem i SET required = n.required, resolution_id = n.resolution, "
            "state = CASE WHEN n.resolution IS NULL THEN 'adjudication' ELSE 'resolved' END, "
            "adjudication_reason = n.reason FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[]) "
            "AS n (id, required, resolution, reason) WHERE i.id = n.id",
            [
                list(said),
                [min(max(len(labels), 1), MOST_REVIEWERS) for labels in said.values()],
                [standing.get(item) for item in said],
                ["" if came_to[item] else _doubt(labels) for item, labels in said.items()],
            ],
        )


def _write_resolutions(decided: Mapping[int, Said], came_to: Mapping[int, str]) -> dict[int, int]:
    """The new resolutions, by item; each is the next revision of what stood there."""
    last = dict(
        Resolution.objects.filter(item__in=decided).values_list("item").annotate(last=Max("revision"))
    )
    columns: dict[str, bulk.Column] = {
        "item_id": ("bigint", list(decided)),
        "revision": ("int", [last.get(item, 0) + 1 for item in decided]),
        "method": (
            "text",
            [Method.SINGLE if len(labels) == 1 else Method.MAJORITY for labels in decided.values()],
        ),
        "verdict": ("text", [came_to[item] for item in decided]),
        "labels": (
            "bigint[]",
            [f"{{{','.join(str(label) for label, _ in labels)}}}" for labels in decided.values()],
        ),
        "confirmed": (
            "bool",
            [
                came_to[item] == "fail" and [verdict for _, verdict in labels].count("fail") > 1
                for item, labels in decided.items()
            ],
        ),
    }
    with connection.cursor() as cursor:
        return dict(
            bulk.insert(
                cursor,
                Resolution,
                columns,
                constants=bulk.defaults(Resolution(), *columns),
                returning="item_id, id",
            )
        )


def outcome(verdicts: Sequence[str]) -> str:
    """The majority of those who could tell; empty on a tie, or where nobody could."""
    fails, passes = verdicts.count("fail"), verdicts.count("pass")
    return "" if fails == passes else "fail" if fails > passes else "pass"


def _doubt(labels: Said) -> str:
    return "cannot_tell" if all(verdict == "cannot_tell" for _, verdict in labels) else "tie"
