"""Who changed the set-up of a project, when and how? Read from the events that database triggers keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from pghistory.models import Events

from ingest.models import ApiToken, CheckSetting, FeedbackDoor, Project, RedactionPolicy, RoutingRule
from ingest.routing import conditions
from reviewapp.models import Membership, User
from reviewapp.review.models import Queue, Rubric

REVIEWED = {"reviewapp.Queue": "queue", "reviewapp.Rubric": "rubric"}
# Without a person behind it: a command on the server, or the installation itself.
NOBODY = "the server"
SETTINGS = {
    "ingest.RedactionPolicy": "the redaction policy",
    "ingest.FeedbackDoor": "the door for feedback from browsers",
}


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    when: datetime
    who: str
    what: str
    changes: tuple[Change, ...]
    route: str


def events_of(project: Project) -> QuerySet[Any]:
    """All events of one project, newest first."""
    models: list[Any] = [
        Project,
        ApiToken,
        Membership,
        CheckSetting,
        RedactionPolicy,
        FeedbackDoor,
        RoutingRule,
        Queue,
        Rubric,
    ]
    events = Events.objects.across(*(model.pgh_event_model for model in models))  # type: ignore[no-untyped-call]
    mine = Q(pgh_data__project_id=project.pk) | Q(pgh_model="ingest.ProjectEvent", pgh_obj_id=str(project.pk))
    return events.filter(mine).order_by("-pgh_created_at", "pgh_model", "-pgh_id")  # type: ignore[no-any-return]


def read(events: Iterable[Any]) -> list[Entry]:
    """The events in words; the names of all people in them are found with one query."""
    events = list(events)
    ids = {event.pgh_data.get("user_id") for event in events} - {None}
    names = {user.pk: user.username for user in User.objects.filter(pk__in=ids)}
    return [
        Entry(
            event.pgh_created_at,
            who(event),
            what(event, names),
            changes(event),
            context(event).get("route", ""),
        )
        for event in events
    ]


def context(event: Any) -> dict[str, Any]:
    return event.pgh_context or {}


def who(event: Any) -> str:
    found = context(event)
    if command := found.get("command"):
        return f"{NOBODY}, {command}"
    return str(found.get("username") or NOBODY)


def what(event: Any, names: dict[int, str]) -> str:
    data, diff, label = event.pgh_data, event.pgh_diff or {}, event.pgh_label
    if event.pgh_obj_model == "reviewapp.Membership":
        person = names.get(data["user_id"], "someone whose account is gone")
        return {
            "insert": f"{person} joined as {data['role']}",
            "update": f"{person} became {data['role']}",
            "delete": f"{person} was removed",
        }[label]
    if event.pgh_obj_model == "ingest.ApiToken":
        name = f"token {data['name']}"
        if label == "insert":
            return f"{name} was issued for {', '.join(data['scopes'])}"
        return f"{name} was revoked" if diff.get("revoked_at", [1])[0] is None else f"{name} was changed"
    if event.pgh_obj_model in REVIEWED:
        done = {"insert": "made", "update": "changed", "delete": "deleted"}[label]
        return f"the {REVIEWED[event.pgh_obj_model]} {data['name']} was {done}"
    if event.pgh_obj_model == "ingest.CheckSetting":
        return f"the check {data['name']} was {'set' if label == 'insert' else 'changed'}"
    if event.pgh_obj_model == "ingest.RoutingRule":
        done = {"insert": "was made", "update": "was changed", "delete": "was deleted"}[label]
        return f"the rule {data['name']} of {data['queue']} {done}"
    if subject := SETTINGS.get(event.pgh_obj_model):
        return f"{subject} was {'set' if label == 'insert' else 'changed'}"
    return "the project was made" if label == "insert" else "the project was changed"


def changes(event: Any) -> tuple[Change, ...]:
    return tuple(
        Change(field.replace("_", " "), shown(before), shown(after))
        for field, (before, after) in (event.pgh_diff or {}).items()
    )


def shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(conditions.words_of(each) if isinstance(each, dict) else str(each) for each in value)
    return str(value)
