"""Runs judgments that wait: claimed from their rows, written under their attempt, whatever runs twice.

    waiting -> running (attempt counted, lease written, committed before the judge is asked)
    running -> done | invalid            the answer of this attempt
            -> waiting, later            no answer, attempts left
            -> failed                    no answer, none left
            -> stopped                   never asked: its run was stopped, or set-up or budget say no

A worker that dies leaves a lease that runs out; the next one counts another attempt. Where a version asks
several times, each call is an attempt of its own whose vote is kept, and the judgment waits for the next one
until it has all of them.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Func, IntegerField
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges import (
    answered,
    breaker,
    budget,
    client,
    endpoints,
    protocol,
    questions,
    rules,
    telling,
    votes,
)
from evaluation.judges.models import JudgeVersion, Judgment, Kind, Progress, TryOut
from evaluation.judges.protocol import Answer, PairQuestion, Question, Reply, Spec, Unanswered
from ingest.models import Trace

MOST_ATTEMPTS = 4
LEASE_SECONDS = 120
CHUNK = 16
CONCURRENCY = 8
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0
NO_ATTEMPT_LEFT = "no answer came back"
# A call that gave a vote is no attempt lost.
VOTES = Func(F("votes"), function="jsonb_array_length", output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt; `was_asked` is False where budget, breaker or set-up said no before."""

    judgment: Judgment
    reply: Reply | Unanswered
    was_asked: bool = True


def work(seconds: float, run: int | None = None) -> int:
    """Judge what is due, for about so long; how many were taken up. What has come back is written together,
    and more is taken up before the last call has ended: a slow one holds up no other."""
    total, end, is_dry = 0, time.monotonic() + seconds, False
    calls: dict[Future[Reply | Unanswered], Judgment] = {}
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        while True:
            # Never more than a chunk, so that the last call of it begins well within the lease.
            if not is_dry and len(calls) < CONCURRENCY and time.monotonic() < end:
                claimed = claim(CHUNK - len(calls), run)
                total, is_dry = total + len(claimed), not claimed
                finish_all(_ask(pool, claimed, calls))
            if not calls:
                if is_dry or time.monotonic() >= end:
                    return total
                continue
            done, _ = wait(calls, return_when=FIRST_COMPLETED)
            finish_all([Outcome(calls.pop(call), call.result()) for call in done])
            is_dry = is_dry and bool(calls)


def claim(limit: int = CHUNK, run: int | None = None) -> list[Judgment]:
    """Take judgments that are due or whose lease ran out; each with its attempt counted, committed."""
    give_up()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE evaluation_judgment j SET progress = 'running', attempts = j.attempts + 1, "
            "lease_until = statement_timestamp() + %s * interval '1 second' "
            "FROM (SELECT id FROM evaluation_judgment "
            "WHERE progress IN ('waiting', 'running') AND due_at <= statement_timestamp() "
            "AND (progress = 'waiting' OR lease_until < statement_timestamp()) "
            "AND (%s::bigint IS NULL OR run_id = %s) "
            "ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED) due "
            "WHERE j.id = due.id RETURNING j.id",
            [LEASE_SECONDS, run, run, limit],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    found = Judgment.objects.filter(pk__in=ids).select_related(
        "version__judge", "version__rubric_version", "trace", "snapshot", "item"
    )
    return list(found.defer("trace__search").order_by("pk"))


def give_up() -> int:
    """Attempts that all ended without a word, as when workers were killed each time."""
    lost = Judgment.objects.filter(
        progress=Progress.RUNNING, lease_until__lt=Now(), attempts__gte=VOTES + MOST_ATTEMPTS
    )
    return lost.update(progress=Progress.FAILED, reason=NO_ATTEMPT_LEFT, lease_until=None, finished_at=Now())


def _ask(
    pool: ThreadPoolExecutor,
    claimed: Sequence[Judgment],
    calls: dict[Future[Reply | Unanswered], Judgment],
) -> list[Outcome]:
    """Add calls for all that may be asked; the others.

    The database is asked here, the judges in threads, which touch no connection.
    """
    refused: list[Outcome] = []
    if claimed:
        questions.take_snapshots(claimed)
    counts = Counter(judgment.version_id for judgment in claimed)
    admitted: dict[int, bool] = {}
    for judgment in claimed:
        version = judgment.version
        if version.pk not in admitted:
            admitted[version.pk] = _admit_all(version, counts[version.pk])
        try:
            call = call_of(version, questions.of(judgment), is_admitted=admitted[version.pk])
            calls[pool.submit(tried, call)] = judgment
        except Unanswered as no:
            refused.append(Outcome(judgment, no, was_asked=False))
    return refused


def _admit_all(version: JudgeVersion, calls: int) -> bool:
    """Ask breaker and budget once for so many calls; where they say no, each call asks for itself."""
    if version.kind != Kind.LITELLM:
        return False
    try:
        endpoint = endpoint_of(version)
        breaker.admit(endpoint.name)
        budget.reserve(endpoint, calls)
    except Unanswered:
        return False
    return True


def call_of(
    version: JudgeVersion | TryOut, question: Question | PairQuestion, *, is_admitted: bool = False
) -> Callable[[], Reply]:
    """What to call, after budget and breaker have said yes. Raises Unanswered."""
    spec = Spec(version.endpoint, version.model, version.prompt, version.parameters)
    if version.kind == Kind.RULES:
        if isinstance(question, PairQuestion):
            return lambda: rules.ask_pair(spec, question)
        return lambda: rules.ask(spec, question)
    if version.kind != Kind.LITELLM:
        raise Unanswered("this judge runs elsewhere", is_final=True)
    endpoint = endpoint_of(version)
    if not is_admitted:
        breaker.admit(endpoint.name)
        budget.reserve(endpoint)
    return lambda: client.ask(endpoint, spec, question)


def endpoint_of(version: JudgeVersion | TryOut) -> endpoints.Endpoint:
    try:
        endpoint = endpoints.known().get(version.endpoint)
    except endpoints.Misconfigured:
        raise Unanswered("the operator's list of judges cannot be read") from None
    if endpoint is None:
        raise Unanswered(f"the operator's list has no endpoint {version.endpoint}", is_final=True)
    if endpoint.model != version.model:
        raise Unanswered("the endpoint names another model than the version pins", is_final=True)
    return endpoint


def tried(ask: Callable[[], Reply]) -> Reply | Unanswered:
    try:
        return ask()
    except Unanswered as unanswered:
        return unanswered
    except Exception:
        return Unanswered("the judge broke")


def finish(outcome: Outcome) -> bool:
    """Write what came of this attempt, unless another one has been counted since; whether it was written."""
    return finish_all([outcome])[0]


def finish_all(outcomes: Sequence[Outcome]) -> list[bool]:
    """The same of many in one transaction."""
    if not outcomes:
        return []
    told: list[tuple[Judgment, Answer]] = []
    written: dict[int, bool] = {}
    with transaction.atomic():
        # In one order, so that two workers never wait for each other.
        for outcome in sorted(outcomes, key=lambda each: each.judgment.pk):
            written[outcome.judgment.pk] = _finish(outcome, told)
        held = [judgment.trace_id for judgment, _ in told]
        Trace.objects.filter(pk__in=sorted(held), held=False).update(held=True)
        telling.scores(
            [(judgment, answer) for judgment, answer in told if answer.verdict in ("pass", "fail")]
        )
        _note_calls(outcomes)
    return [written[outcome.judgment.pk] for outcome in outcomes]


def _finish(outcome: Outcome, told: list[tuple[Judgment, Answer]]) -> bool:
    if isinstance(outcome.reply, Reply):
        return _write(outcome.judgment, outcome.reply, told)
    if not outcome.was_asked:
        return _give_back(outcome.judgment, outcome.reply)
    return _postpone(outcome.judgment, outcome.reply)


def _note_calls(outcomes: Sequence[Outcome]) -> None:
    """Failures one by one; successes of a version together, after them."""
    costs: dict[int, list[float]] = defaultdict(list)
    by_pk: dict[int, JudgeVersion] = {}
    for outcome in outcomes:
        version, reply = outcome.judgment.version, outcome.reply
        if not outcome.was_asked or version.kind != Kind.LITELLM:
            continue
        if isinstance(reply, Unanswered):
            note_call(version, reply)
        else:
            by_pk[version.pk] = version
            costs[version.pk].append(reply.cost_usd)
    for pk, paid in sorted(costs.items()):
        breaker.note(by_pk[pk].endpoint, failed=False)
        budget.settle(by_pk[pk], sum(paid), len(paid))


def note_call(version: JudgeVersion | TryOut, reply: Reply | Unanswered) -> None:
    """What the breaker and the budget have to know of a call that has ended."""
    if isinstance(reply, Unanswered):
        breaker.note(version.endpoint, failed=not reply.is_final)
        budget.settle(version, 0.0)
    else:
        breaker.note(version.endpoint, failed=False)
        budget.settle(version, reply.cost_usd)


def _write(judgment: Judgment, reply: Reply, told: list[tuple[Judgment, Answer]]) -> bool:
    answer, wanted = _read(judgment, reply), votes.samples(judgment.version.parameters)
    spent: dict[str, Any] = {
        "input_tokens": F("input_tokens") + reply.input_tokens,
        "output_tokens": F("output_tokens") + reply.output_tokens,
        "cost_usd": F("cost_usd") + reply.cost_usd,
        "lease_until": None,
    }
    if wanted > 1:
        given = [*judgment.votes, votes.vote(answer)]
        spent["votes"] = given
        if len(given) < wanted:
            return bool(_mine(judgment).update(**spent, progress=Progress.WAITING))
        answer = votes.counted(given, of_pair=judgment.item_id is not None)
    written = _mine(judgment).update(
        **spent,
        progress=Progress.INVALID if answer.verdict == "invalid" else Progress.DONE,
        verdict=answer.verdict,
        preference=answer.preference,
        score=answer.score,
        confidence=answer.confidence,
        rationale=answer.rationale,
        reason=answer.reason,
        finished_at=Now(),
    )
    if written:
        answered.note(judgment, reply.model)
        told.append((judgment, answer))
    return bool(written)


def _read(judgment: Judgment, reply: Reply) -> Answer:
    """The answer in a reply; of a pair told of the item's own a and b, whichever was shown first."""
    if judgment.item_id is None:
        return protocol.parse(reply.text)
    answer = protocol.parse_pair(reply.text)
    own = {"first": judgment.order[:1], "second": judgment.order[1:]}
    return replace(answer, preference=own.get(answer.preference, answer.preference))


def _give_back(judgment: Judgment, refused: Unanswered) -> bool:
    """Nobody was asked, so no attempt was made."""
    if refused.is_final:
        change: dict[str, Any] = {"progress": Progress.STOPPED, "finished_at": Now()}
    else:
        change = {"progress": Progress.WAITING, "due_at": timezone.now() + pause(judgment, refused)}
    given_back = _mine(judgment).update(
        **change, attempts=F("attempts") - 1, reason=refused.reason[:200], lease_until=None
    )
    return bool(given_back)


def _postpone(judgment: Judgment, refused: Unanswered) -> bool:
    if refused.is_final or failures(judgment) >= MOST_ATTEMPTS:
        change: dict[str, Any] = {"progress": Progress.FAILED, "finished_at": Now()}
    else:
        change = {"progress": Progress.WAITING, "due_at": timezone.now() + pause(judgment, refused)}
    return bool(_mine(judgment).update(**change, reason=refused.reason[:200], lease_until=None))


def pause(judgment: Judgment, refused: Unanswered) -> timedelta:
    """As long as was asked for; else twice as long each time, with jitter."""
    if refused.retry_after is not None:
        return timedelta(seconds=refused.retry_after)
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, failures(judgment) - 1))
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def failures(judgment: Judgment) -> int:
    """Attempts that gave no vote, this one included."""
    return judgment.attempts - len(judgment.votes)


def _mine(judgment: Judgment) -> Any:
    return Judgment.objects.filter(pk=judgment.pk, attempts=judgment.attempts, progress=Progress.RUNNING)
