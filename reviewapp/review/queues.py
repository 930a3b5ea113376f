"""Queues: make, change, pause, archive, move to another rubric version, fill from routes, count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.models import Project
from reviewapp.models import User
from reviewapp.review.models import Queue, RubricVersion


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one queue, now. `waiting` items could be claimed by someone, `held` is a number of leases."""

    waiting: int
    held: int
    adjudication: int
    resolved: int
    removed: int
    overdue: int
    labels: int
    oldest: datetime | None  # since when the longest waiting item stands in the queue


def create(project: Project, slug: str, **settings: Any) -> Queue:
    raise NotImplementedError


def change(queue: Queue, **settings: Any) -> Queue:
    raise NotImplementedError


def find(project: Project, slug: str) -> Queue | None:
    raise NotImplementedError


def counts(project: Project) -> dict[int, Counts]:
    """By queue id, in a fixed number of queries."""
    raise NotImplementedError


def admits(queue: Queue, reviewer: User) -> bool:
    """Whether this reviewer may claim from the queue."""
    raise NotImplementedError


def move(queue: Queue, version: RubricVersion, *, open_items: bool) -> int:
    """Ask from another version. Items without a label go with it if `open_items`; how many did."""
    raise NotImplementedError


def fill() -> int:
    """Pull the routes that have changed into their queues; how many. A job."""
    raise NotImplementedError
