"""What stands in a queue, and where: enqueue, rank, remove, open another round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.models import Project, Trace
from reviewapp.review.models import Queue, ReviewItem


@dataclass(frozen=True, slots=True)
class Enqueued:
    """`known` stood in the queue before (or was removed from it by a human); `unknown` are no traces."""

    added: list[ReviewItem]
    known: list[str]
    unknown: list[str]


def find(project: Project, pk: int) -> ReviewItem | None:
    """The project's item, with queue, rubric version and snapshot."""
    raise NotImplementedError


def enqueue(queue: Queue, trace_ids: Sequence[str], by: str = "") -> Enqueued:
    """Put traces into the queue's risk lane by hand."""
    raise NotImplementedError


def enqueue_pairs(queue: Queue, pairs: Sequence[tuple[str, str]], by: str = "") -> Enqueued:
    raise NotImplementedError


def remove(item: ReviewItem, by: str) -> None:
    """Take it out for good: no route brings it back. Labels already given stay."""
    raise NotImplementedError


def open_round(item: ReviewItem, by: str) -> ReviewItem:
    """The next round of the same subject, after the trace has changed or a lead wants fresh eyes."""
    raise NotImplementedError


def pairs_of(queue: Queue, traces: Sequence[Trace]) -> list[tuple[Trace, Trace]]:
    """Pairs with identical normalised input among these traces."""
    raise NotImplementedError
