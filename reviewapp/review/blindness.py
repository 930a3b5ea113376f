"""What may a reviewer not see yet? The one answer that explorer, trace page and API ask."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.models import Trace
from reviewapp.models import Membership


def hides(membership: Membership, traces: Iterable[Trace]) -> frozenset[int]:
    """The ids of those traces whose scores, verdicts, feedback, checks and reasons this member must not see.

    Those of a reviewer's open items in blind queues: any that the reviewer holds or could still be given.
    Leads and admins see all, except what they hold themselves.
    """
    raise NotImplementedError
