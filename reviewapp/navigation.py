"""Which pages of a project does this member see links to? Each names its route and the role it needs."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from reviewapp.models import Membership, Role


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    route: str
    role: Role


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    icon: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    heading: str
    links: tuple[Link, ...]


# Routes by name, so that pages of every floor can stand here without an import.
ENTRIES: dict[str, tuple[Entry, ...]] = {
    "": (
        Entry("Queues", "queue", "queues", Role.REVIEWER),
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


def groups_for(membership: Membership, path: str) -> list[Group]:
    """The groups in order, without those that hold nothing for this role; `path` is the page at hand."""
    role = Role(membership.role)
    groups = [
        Group(
            heading,
            tuple(link(entry, membership.project.slug, path) for entry in entries if role.allows(entry.role)),
        )
        for heading, entries in ENTRIES.items()
    ]
    return [group for group in groups if group.links]


def link(entry: Entry, slug: str, path: str) -> Link:
    address = reverse(entry.route, args=[slug])
    current = path == address or path.startswith(address.rstrip("/") + "/")
    return Link(entry.label, entry.icon, address, current)
