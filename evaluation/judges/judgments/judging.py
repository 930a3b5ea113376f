"""Runs waiting judgments: claimed from their rows, written under their attempt, safe to run twice.

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

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from evaluation.judges.calls import calling, questions
from evaluation.judges.calls.calling import Call
from evaluation.judges.calls.protocol import Reply, Unanswered
from evaluation.judges.judgments.claims import CHUNK, claim
from evaluation.judges.judgments.outcomes import Outcome, finish_all
from evaluation.judges.models import Judgment

# Of all endpoints together; of one of them never more than a chunk, so that a slow one holds up no other.
MOST_CALLS = 3 * CHUNK
# After this many answers, or this long, more judgments are taken up.
BATCH, LOOK_SECONDS = CHUNK // 3, 0.5
# Answers that come this close together are written together.
GATHER_SECONDS = 0.02

Calls = dict[Future[Reply | Unanswered], tuple[Judgment, Call]]


def work(seconds: float, run: int | None = None) -> int:
    """Judge what is due, for about so long; how many were taken up. What has come back is written together,
    and more is taken up before the last call has ended: a slow one holds up no other. While the last calls of
    this turn are waited for, other endpoints than theirs go on."""
    total, end, look_at, freed = 0, time.monotonic() + seconds, 0.0, 0
    calls: Calls = {}
    last: Calls | None = None
    with ThreadPoolExecutor(MOST_CALLS) as pool:
        while True:
            now = time.monotonic()
            if now >= end and last is None:
                last = dict(calls)
            is_on = last is None or not calls.keys().isdisjoint(last)
            if is_on and (not calls or freed >= BATCH or now >= look_at):
                claimed = _take_up(pool, calls, run, _endpoints(last or {}))
                total, look_at, freed = total + claimed, now + LOOK_SECONDS, 0
                if not claimed and not calls:
                    return total
            if not calls:
                if not is_on:
                    return total
                continue
            freed += _write_answers(calls)


def _endpoints(calls: Calls) -> set[str]:
    """Rules, which have none, are never waited for."""
    return {call.endpoint for _, call in calls.values()} - {""}


def _take_up(pool: ThreadPoolExecutor, calls: Calls, run: int | None, slow: Collection[str] = ()) -> int:
    """Claim as much as every endpoint that is not busy has room for, and call; how many."""
    under_way = Counter(call.endpoint for _, call in calls.values())
    busy = {endpoint for endpoint, count in under_way.items() if count > CHUNK - BATCH} | set(slow)
    most = max((count for endpoint, count in under_way.items() if endpoint not in busy), default=0)
    room = min(CHUNK - most, MOST_CALLS - len(calls))
    claimed = claim(room, run, busy) if room > 0 else []
    finish_all(_ask(pool, claimed, calls))
    return len(claimed)


def _write_answers(calls: Calls) -> int:
    """Wait for an answer, and write all that are there a moment later; how many."""
    done, waiting = wait(calls, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
    if done and waiting:
        time.sleep(GATHER_SECONDS)
    done = {call for call in calls if call.done()}
    finish_all([_outcome(calls.pop(each), each.result()) for each in done])
    return len(done)


def _outcome(asked: tuple[Judgment, Call], reply: Reply | Unanswered) -> Outcome:
    judgment, call = asked
    return Outcome(judgment, reply, call)


def _ask(pool: ThreadPoolExecutor, claimed: Sequence[Judgment], calls: Calls) -> list[Outcome]:
    """Add calls for all that may be asked; the others.

    The database is asked here, the judges in threads, which touch no connection.
    """
    refused: list[Outcome] = []
    if claimed:
        questions.take_snapshots(claimed)
    of_version: dict[int, list[Judgment]] = defaultdict(list)
    for judgment in claimed:
        of_version[judgment.version_id].append(judgment)
    for judgments in of_version.values():
        made = calling.calls_of(judgments[0].version, [questions.of(each) for each in judgments])
        for judgment, call in zip(judgments, made, strict=True):
            if isinstance(call, Unanswered):
                refused.append(Outcome(judgment, call, was_asked=False))
            else:
                calls[pool.submit(calling.tried, call.ask)] = judgment, call
    return refused
