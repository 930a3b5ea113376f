"""Who works in the demo project? Makes the project, its people and its token, once.

Their password and the token are generated and kept in DATA_DIR/demo.json, readable by its owner only, so
that a second run prints the same ones.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import pghistory
from django.conf import settings
from django.db import transaction

from ingest import rates
from ingest.models import Project, Scope, new_secret
from ingest.routing import rules
from ingest.tokens import FORMAT, Credential, authenticate, issue
from reviewapp import members
from reviewapp.demo import stories
from reviewapp.demo.traffic import Plan
from reviewapp.models import Role
from reviewapp.review import queues

SLUG, NAME = "support-assistant", "Larkfield support"
LEAD = "hanna"
REVIEWERS = ("priya", "ines", "tomasz", "dan")
# Shares of all traces: drawn for people, and for people or the judge.
AUDIT, JUDGE = 0.2, 0.36
SEED = 20_260
TRACES = 6000
# By which the story's own traces are drawn, so that chance tells everyone the same: of the traces drawn by it
# people fail as many before the judge's provider changes as since, on whatever day the story ends.
DRAWN_BY = hashlib.sha256(b"larkfield/29").digest()


@dataclass(frozen=True, slots=True)
class Keys:
    """`password` is that of all the demo's people."""

    password: str
    token: str


@transaction.atomic
def prepare() -> tuple[Project, Keys]:
    """The project with its people and a token; on a second run everything stays as it is."""
    with pghistory.context(command="demo"):
        project, _ = Project.objects.get_or_create(slug=SLUG, defaults={"name": NAME, "secret": DRAWN_BY})
        kept = read_keys()
        password = kept.password if kept else members.new_password()
        for name in (LEAD, *REVIEWERS):
            ensure_member(project, name, password)
        set_up_review(project)
        token = kept.token if kept and is_valid(kept.token, project) else new_token(project)
        keys = Keys(password, token)
    write_keys(keys)
    return project, keys


def keep_secret(project: Project) -> None:
    """Once the story's traces are drawn, the project gets a secret of its own: links and pseudonyms are made
    with it, and what comes later is drawn by it."""
    Project.objects.filter(pk=project.pk, secret=DRAWN_BY).update(secret=new_secret())


def set_up_review(project: Project) -> None:
    """The starter queue with its rules, and an audit share that gives enough random labels in ten weeks."""
    if queues.find(project, queues.STARTER) is None:
        queues.create_starter(project)
        rules.create_default_rules(project, queues.STARTER)
        for route in stories.routes():
            rates.set_by_hand(project, route, AUDIT, JUDGE, by=LEAD, reason="Start of the pilot")


def ensure_member(project: Project, name: str, password: str) -> None:
    """A member with the demo's password; a stranger of that name elsewhere keeps the one they have."""
    user, _ = members.find_or_make_user(name, password)
    others = user.memberships.exclude(project=project).exists()
    role = Role.ADMIN if name == LEAD else Role.REVIEWER
    needs_password = not others and not user.check_password(password)
    members.ensure(project, name, role, password if needs_password else "")


def new_token(project: Project) -> str:
    scopes = [scope for scope in Scope.values if scope != Scope.IMPERSONATE]
    return issue(project, "demo", scopes, created_by="demo").text


def is_valid(token: str, project: Project) -> bool:
    match = FORMAT.fullmatch(token)
    caller = authenticate(Credential(*match.groups())) if match else None
    return caller is not None and caller.project == project


def keys_path() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def read_keys() -> Keys | None:
    try:
        return Keys(**json.loads(keys_path().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_keys(keys: Keys) -> None:
    path = keys_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(keys), file)


def plan_of(project: Project, traces: int = TRACES) -> Plan:
    """The story ends when the project was made, so that a second run tells the same one."""
    anchor: datetime = project.created_at.replace(second=0, microsecond=0)
    return Plan(SEED, anchor, traces)
