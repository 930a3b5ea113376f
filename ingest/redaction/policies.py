"""What masks this project's data now? Its policy from the database, a few seconds old at most.

Every web process keeps the redactors it has made, so that a request asks nothing: a change of the policy
counts at once where it was made, and after CACHE_SECONDS everywhere else.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings
from django.utils.module_loading import import_string

from ingest.models import Project
from ingest.problems import Problem
from ingest.redaction.masking import Hook, Redactor
from ingest.redaction.policy import OwnPattern, Policy, allowed_values
from ingest.redaction.rows import RedactionPolicy

logger = logging.getLogger(__name__)
CACHE_SECONDS = 2.0
_made: dict[int, tuple[float, Redactor]] = {}


def redactor_of(project: Project) -> Redactor:
    now = time.monotonic()
    known = _made.get(project.pk)
    key = key_of(project)
    if known and now < known[0] and known[1].key == key:
        return known[1]
    policy = read(project)
    # Compiling costs more than reading: the old one is kept while it says the same.
    same = known is not None and known[1].policy == policy and known[1].key == key
    redactor = known[1] if known and same else Redactor(policy, key, hooks())
    _made[project.pk] = (now + CACHE_SECONDS, redactor)
    return redactor


def read(project: Project) -> Policy:
    row = RedactionPolicy.objects.filter(project_id=project.pk).first()
    return Policy() if row is None else policy_of(row)


def policy_of(row: RedactionPolicy) -> Policy:
    return Policy(
        kinds=frozenset(row.kinds),
        regions=tuple(row.regions),
        patterns=tuple(OwnPattern(each["name"], each["pattern"]) for each in row.patterns),
        allowed=allowed_values(row.allowed),
    )


def save(project: Project, policy: Policy) -> None:
    """Keep the policy; what is stored already stays as it is."""
    RedactionPolicy.objects.update_or_create(
        project=project,
        defaults={
            "kinds": sorted(policy.kinds),
            "regions": list(policy.regions),
            "patterns": [{"name": own.name, "pattern": own.pattern} for own in policy.patterns],
            "allowed": sorted(policy.allowed),
        },
    )
    _made.pop(project.pk, None)


def key_of(project: Project) -> bytes:
    return hmac.new(bytes(project.secret), b"redaction", sha256).digest()


def hooks() -> list[Hook]:
    """The operator's own finders: the callables named in REDACTION_HOOKS."""
    return [_guarded(path, import_string(path)) for path in hook_paths()]


def hook_paths() -> list[str]:
    return list(settings.REDACTION_HOOKS)


def _guarded(path: str, hook: Hook) -> Hook:
    """What a hook could not look at is not stored: the sender is told to come again."""

    def find(text: str) -> Iterable[tuple[int, int, str]]:
        try:
            return list(hook(text))
        except Exception as error:
            # Without the traceback, whose last lines could hold the text.
            logger.error("The redaction hook %s failed: %s", path, type(error).__name__)
            raise Problem(
                503,
                "A redaction hook failed, so nothing was stored. Send the request again.",
                headers={"Retry-After": "5"},
            ) from None

    return find
