"""Who is reviewing: a person on the page, a token as its own reviewer, or a token in the name of a person."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.models import ApiToken
from reviewapp.models import User
from reviewapp.review.models import Via


@dataclass(frozen=True, slots=True)
class Actor:
    """`reviewer` is whose item and label it is; `token` and `impersonated` are its provenance."""

    reviewer: User
    via: Via = Via.PAGE
    token: ApiToken | None = None
    impersonated: bool = False
