"""What would a version say of this trace? Asked while it is written; no version is made, no figure changes.

A try-out is a row that the worker takes up as it does judgments: each call's attempt is counted and committed
before it, budget and breaker have their say, and a worker that dies leaves a lease that runs out.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges.calls import calling, protocol, questions, votes
from evaluation.judges.calls.protocol import Answer, Question, Reply, Unanswered
from evaluation.judges.judgments import claims
from evaluation.judges.making.drafts import Draft
from evaluation.judges.models import Kind, Progress, TryOut
from ingest.models import Trace
from reviewapp.review import snapshots

MOST_FAILURES = 2
LEASE_SECONDS = 120
KEPT = timedelta(days=7)


def start(draft: Draft, trace: Trace, by: str) -> TryOut:
    """Waiting; a judge of rules answers at once, since it asks nobody."""
    made = TryOut.objects.create(
        project_id=trace.project_id,
        trace=trace,
        kind=draft.kind,
        endpoint=draft.endpoint,
        model=draft.model,
        prompt=draft.prompt,
        parameters=draft.parameters,
        criterion=draft.criterion,
        asked_by=by,
    )
    if draft.kind == Kind.RULES:
        while claimed := claim(made.pk):
            ask(claimed)
        made.refresh_from_db()
    return made


def work(seconds: float) -> int:
    """Take up what waits; how many calls were made. Old ones are thrown away."""
    end, calls = time.monotonic() + seconds, 0
    while time.monotonic() < end and (claimed := claim()):
        ask(claimed)
        calls += 1
    TryOut.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return calls


def claim(pk: int | None = None) -> TryOut | None:
    """The oldest that waits or whose lease ran out, with an attempt counted, committed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"seconds": LEASE_SECONDS, "pk": pk})
        row = cursor.fetchone()
    return TryOut.objects.select_related("trace").get(pk=row[0]) if row else None


CLAIM = """
    UPDATE evaluation_tryout t SET progress = 'running', attempts = t.attempts + 1,
        lease_until = statement_timestamp() + %(seconds)s * interval '1 second'
    FROM (
        SELECT id FROM evaluation_tryout WHERE progress IN ('waiting', 'running')
            AND (progress = 'waiting' OR lease_until < statement_timestamp())
            AND (%(pk)s::bigint IS NULL OR id = %(pk)s)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due WHERE t.id = due.id RETURNING t.id
"""


def ask(tryout: TryOut) -> None:
    """One call, and what came of it, unless another attempt has been counted since."""
    if tryout.attempts - len(tryout.votes) > MOST_FAILURES:
        _mine(tryout).update(
            progress=Progress.FAILED, reason=claims.NO_ATTEMPT_LEFT, finished_at=Now(), lease_until=None
        )
        return
    began = time.monotonic()
    try:
        call = calling.call_of(tryout, question(tryout))
    except Unanswered as refused:
        _mine(tryout).update(
            progress=Progress.STOPPED, reason=refused.reason[:200], attempts=F("attempts") - 1,
            finished_at=Now(), lease_until=None,
        )  # fmt: skip
        return
    reply = calling.tried(call.ask)
    with transaction.atomic():
        calling.note(call, reply)
        _write(tryout, reply, calling.cost(call, reply), (time.monotonic() - began) * 1000)


def question(tryout: TryOut) -> Question:
    shown = snapshots.view(tryout.trace)
    return replace(
        questions.of_view(shown, tryout.trace),
        criterion=tryout.criterion,
        guidance=tryout.prompt,
        sample=len(tryout.votes) + 1,
    )


def _write(tryout: TryOut, reply: Reply | Unanswered, cost: float, took_ms: float) -> None:
    change: dict[str, Any] = {
        "lease_until": None,
        "progress": Progress.WAITING,
        "cost_usd": F("cost_usd") + cost,
    }
    if isinstance(reply, Unanswered):
        change["reason"] = reply.reason[:200]
        if reply.is_final or tryout.attempts - len(tryout.votes) >= MOST_FAILURES:
            change |= {"progress": Progress.FAILED, "finished_at": Now()}
        _mine(tryout).update(**change)
        return
    given = [*tryout.votes, votes.vote(protocol.parse(reply.text)) | _confidence(reply)]
    change |= {
        "votes": given,
        "reason": "",
        "input_tokens": F("input_tokens") + reply.input_tokens,
        "output_tokens": F("output_tokens") + reply.output_tokens,
        "latency_ms": took_ms,
    }
    if len(given) >= votes.samples(tryout.parameters):
        came_to = result(given)
        change |= {
            "progress": Progress.INVALID if came_to.verdict == "invalid" else Progress.DONE,
            "finished_at": Now(),
        }
    _mine(tryout).update(**change)


def _confidence(reply: Reply) -> dict[str, float]:
    stated = protocol.parse(reply.text).confidence
    return {} if stated is None else {"confidence": stated}


def result(given: list[dict[str, Any]]) -> Answer:
    """What the votes come to; of one vote what it says itself."""
    if len(given) != 1:
        return votes.counted(given)
    only = given[0]
    return Answer(
        only["verdict"],
        only.get("score"),
        only.get("confidence"),
        str(only.get("rationale", "")),
        str(only.get("reason", "")),
    )


def _mine(tryout: TryOut) -> Any:
    return TryOut.objects.filter(pk=tryout.pk, attempts=tryout.attempts, progress=Progress.RUNNING)
