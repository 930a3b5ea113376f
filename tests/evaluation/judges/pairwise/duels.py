"""Pairs of which one answer is the worse one, a judge that tells, and people who say which they prefer."""

from __future__ import annotations

from typing import Any

from evaluation.judges.making import versions
from evaluation.judges.models import PREFERENCE, JudgeVersion, Kind
from ingest.models import Project
from reviewapp.models import Role
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Queue
from tests.evaluation.judges.answering import answered
from tests.reviewapp.review.making import make_queue, make_reviewer

# The answer that promises is the worse one.
RULES = {"rules": [{"contains": "promise", "weight": 0.9}], "threshold": 0.99}


def pairs(project: Project, number: int, **queue: Any) -> Queue:
    """Each pair's a is good and its b promises too much."""
    for side, output in (("a", "We look into it."), ("b", "We promise you a refund.")):
        answered(project, {f"{side}-{i:05}": output for i in range(number)})
    made: Queue = make_queue(project, "duel", kind="pair", **queue)
    items.enqueue_pairs(made, [(f"a-{i:05}", f"b-{i:05}") for i in range(number)])
    return made


def judge(project: Project, **parameters: Any) -> JudgeVersion:
    return versions.create(
        project, "chooser", Kind.RULES, criterion=PREFERENCE, parameters={**RULES, **parameters}
    )


def label(queue: Queue, preferences: list[str], name: str = "rita") -> None:
    reviewer = make_reviewer(queue.project, name, Role.REVIEWER)
    for preference in preferences:
        lease = leases.claim(queue, reviewer)
        labels.submit(lease.item, Actor(reviewer), lease.token, Answer(preference=preference))
