"""Is an endpoint worth asking? After failures in a row it rests, for all workers, and is then tried again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges.calls.protocol import Unanswered
from evaluation.judges.models import EndpointHealth

FAILURES_IN_A_ROW = 5
REST = timedelta(seconds=30)


def admit(endpoint: str) -> None:
    """Raises Unanswered while the endpoint rests."""
    resting = EndpointHealth.objects.filter(endpoint=endpoint, closed_until__gt=Now()).first()
    if resting and resting.closed_until:
        seconds = (resting.closed_until - timezone.now()).total_seconds()
        raise Unanswered("the endpoint is paused after failures", retry_after=max(seconds, 1.0))


def note(endpoint: str, *, failed: bool) -> None:
    """Count a failure, or forget them after a success."""
    if not endpoint:
        return
    if not failed:
        EndpointHealth.objects.filter(endpoint=endpoint).exclude(failures=0).update(
            failures=0, closed_until=None
        )
        return
    EndpointHealth.objects.bulk_create([EndpointHealth(endpoint=endpoint)], ignore_conflicts=True)
    EndpointHealth.objects.filter(endpoint=endpoint).update(failures=F("failures") + 1)
    EndpointHealth.objects.filter(endpoint=endpoint, failures__gte=FAILURES_IN_A_ROW).update(
        closed_until=timezone.now() + REST, failures=0
    )
