"""Who reviews, how fast, and how well they agree: the reviewers of a project, also the tokens' own."""

from __future__ import annotations

from ingest.models import ApiToken, Project
from reviewapp.models import User


def of_token(token: ApiToken) -> User:
    """The token's own service reviewer, made on first use."""
    raise NotImplementedError


def named(project: Project, username: str) -> User | None:
    """A member of the project with the role of reviewer, for `as_reviewer`."""
    raise NotImplementedError
