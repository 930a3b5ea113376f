"""Who is reviewing: a person on the page, a token as its own reviewer, or a token in the name of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pghistory

from ingest.models import ApiToken, Scope
from ingest.problems import Problem
from ingest.tokens import Caller
from reviewapp.models import User
from reviewapp.review import reviewers
from reviewapp.review.models import Via


class NoSuchReviewer(Exception):
    """There is no active member of this name with the role of reviewer."""


@dataclass(frozen=True, slots=True)
class Actor:
    """`reviewer` is whose item and label it is; `token` and `impersonated` are its provenance."""

    reviewer: User
    via: Via = Via.PAGE
    token: ApiToken | None = None
    impersonated: bool = False


def behind(caller: Caller, as_reviewer: str | None) -> Actor:
    """The token's own reviewer, or with scope impersonate the member that it names.

    Raises NoSuchReviewer, and Problem 403 for a missing scope.
    """
    if as_reviewer is None:
        if not caller.may(Scope.LABELS_WRITE):
            raise Problem(403, "Name a reviewer in as_reviewer, or use a token with the scope labels:write.")
        return Actor(reviewers.of_token(caller.token), Via.API, caller.token)
    if not caller.may(Scope.IMPERSONATE):
        raise Problem(403, "as_reviewer needs a token with the scope impersonate.")
    user = reviewers.named(caller.project, as_reviewer)
    if user is None:
        raise NoSuchReviewer("must be a member of this project with the role of reviewer")
    return Actor(user, Via.API, caller.token, impersonated=True)


def recorded(caller: Caller, route: str) -> Any:
    """The context that pghistory keeps with each change of a configuration table."""
    return pghistory.context(username=f"token {caller.token.name}", route=route)
