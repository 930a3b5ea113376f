"""Who changed the set-up of a project, when and how? Read from the events that database triggers keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet
from pghistory.models import Events

from ingest.models import Project
from ingest.routing import conditions
from reviewapp.models import User

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
    """All events of one project, newest first: of every table that leaves a trail, on whichever floor."""
    tracked = [model for model in apps.get_models() if hasattr(model, "pgh_event_model")]
    events = Events.objects.across(*(model.pgh_event_model for model in tracked))  # type: ignore[no-untyped-call]
    mine = reduce(or_, (condition for model in tracked if (condition := _of_project(model, project))))
    return events.filter(mine).order_by("-pgh_created_at", "pgh_model", "-pgh_id")  # type: ignore[no-any-return]


def _of_project(model: Any, project: Project) -> Q | None:
    """By the event's project, or by a row above it that has one."""
    event = Q(pgh_model=model.pgh_event_model._meta.label)
    if model is Project:
        return event & Q(pgh_obj_id=str(project.pk))
    kept = {field.name for field in model.pgh_event_model._meta.get_fields()}
    if "project" in kept:
        return event & Q(pgh_data__project_id=project.pk)
    for field in model._meta.get_fields():
        above = field.related_model if field.many_to_one and field.name in kept else None
        if above and "project" in {each.name for each in above._meta.get_fields()}:
            owned = list(above._default_manager.filter(project=project).values_list("pk", flat=True))
            return event & Q(**{f"pgh_data__{field.name}_id__in": owned})
    return None


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
    if event.pgh_obj_model == "ingest.Project":
        return "the project was made" if label == "insert" else "the project was changed"
    return _anything(event)


def _anything(event: Any) -> str:
    """What has no words of its own: its kind and its name."""
    data, model = event.pgh_data, apps.get_model(event.pgh_obj_model)
    names = (data.get(each) for each in ("name", "slug", "case_id", "number", "version"))
    name = next((str(each) for each in names if each not in (None, "")), f"#{event.pgh_obj_id}")
    done = {"insert": "made", "delete": "deleted"}.get(event.pgh_label, "changed")
    state = ": ".join(filter(None, (data.get("state"), data.get("state_reason"))))
    return f"the {model._meta.verbose_name} {name} was {done}{f' ({state})' if state else ''}"


def changes(event: Any) -> tuple[Change, ...]:
    return tuple(
        Change(field.replace("_", " "), shown(before), shown(after))
        for field, (before, after) in (event.pgh_diff or {}).items()
    )


def shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        # Figures and parameters: which ones, not all of each.
        return ", ".join(str(name).replace("_", " ") for name in value) or "nothing"
    if isinstance(value, list):
        return ", ".join(conditions.words_of(each) if isinstance(each, dict) else str(each) for each in value)
    return str(value)
