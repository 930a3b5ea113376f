"""Which pages of a project does this member see links to, what waits there, and how do things stand?

Each names its route and the role it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.urls import reverse

from reviewapp import waiting
from reviewapp.models import Membership, Role
from reviewapp.waiting import Waiting, Work


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    route: str
    role: Role


@dataclass(frozen=True, slots=True)
class Mark:
    """How things stand behind a link: a few letters, or without any the shape of a badge of this tone.
    `words` say it to who does not see it."""

    short: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    icon: str
    address: str
    current: bool
    waiting: Waiting
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Group:
    heading: str
    links: tuple[Link, ...]


# Routes by name, so that pages of every floor can stand here without an import.
ENTRIES: dict[str, tuple[Entry, ...]] = {
    "": (
        Entry("Queues", "queue", "queues", Role.REVIEWER),
        Entry("To decide", "escalate", "adjudication", Role.LEAD),
        Entry("Reviewers", "people", "reviewers", Role.REVIEWER),
        Entry("Traces", "trace", "traces", Role.REVIEWER),
        Entry("Calibration", "gauge", "judges", Role.LEAD),
        Entry("Golden", "box", "golden", Role.REVIEWER),
        Entry("CI runs", "branch", "runs", Role.REVIEWER),
    ),
    "Set up": (
        Entry("Checks", "wrench", "checks", Role.REVIEWER),
        Entry("Rubrics", "check", "rubrics", Role.LEAD),
        Entry("Routing", "branch", "routing", Role.LEAD),
        Entry("Rates", "gauge", "rates", Role.LEAD),
        Entry("Redaction", "shield", "redaction", Role.LEAD),
        Entry("Feedback", "comment", "feedback_settings", Role.ADMIN),
        Entry("Members", "people", "members", Role.ADMIN),
        Entry("Tokens", "key", "tokens", Role.ADMIN),
        Entry("Audit log", "history", "audit", Role.ADMIN),
        Entry("Settings", "settings", "settings", Role.ADMIN),
    ),
}


Marks = Callable[[Membership], Mapping[str, Mark]]
_tellers: list[Marks] = []


def add_marks(tell: Marks) -> None:
    """For the floor above: what it tells by route, on nearly every page, so in one bounded statement."""
    if tell not in _tellers:
        _tellers.append(tell)


def groups_for(membership: Membership, path: str) -> list[Group]:
    """The groups in order, without those that hold nothing for this role; `path` is the page at hand."""
    role = Role(membership.role)
    work = waiting.for_member(membership)
    marks = {route: mark for tell in _tellers for route, mark in tell(membership).items()}
    groups = [
        Group(
            heading,
            tuple(
                link(entry, membership, path, work, marks.get(entry.route))
                for entry in entries
                if role.allows(entry.role)
            ),
        )
        for heading, entries in ENTRIES.items()
    ]
    return [group for group in groups if group.links]


def link(entry: Entry, membership: Membership, path: str, work: Work, mark: Mark | None = None) -> Link:
    address = reverse(entry.route, args=[membership.project.slug])
    current = path == address or path.startswith(address.rstrip("/") + "/")
    waits = {"queues": work.to_label, "adjudication": work.to_decide}
    return Link(entry.label, entry.icon, address, current, waits.get(entry.route, Waiting()), mark)
