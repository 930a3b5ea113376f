"""What does an attempt lead to? The latest attempt's answer is written, once; any other's is dropped."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges.calls import calling, protocol, votes
from evaluation.judges.calls.calling import Call
from evaluation.judges.calls.protocol import Answer, Reply, Unanswered
from evaluation.judges.judgments import answered, telling
from evaluation.judges.judgments.claims import MOST_ATTEMPTS
from evaluation.judges.models import Judgment, Progress
from ingest.models import Trace

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0
VERDICTS = ("pass", "fail")
NO_CALL = Call("", lambda: Reply(""))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt; `was_asked` is False where budget, breaker or set-up said no before."""

    judgment: Judgment
    reply: Reply | Unanswered
    call: Call = NO_CALL
    was_asked: bool = True

    @property
    def cost(self) -> float:
        return calling.cost(self.call, self.reply)


@dataclass(frozen=True, slots=True)
class Read:
    """A reply, and what it answers; no answer yet while votes are missing."""

    judgment: Judgment
    reply: Reply
    cost: float
    answer: Answer | None
    votes: Sequence[dict[str, Any]] | None = None

    def row(self) -> tuple[Any, ...]:
        """As WRITE takes it."""
        said = self.answer or Answer("")
        progress = Progress.INVALID if said.verdict == "invalid" else Progress.DONE
        return (
            self.judgment.pk,
            self.judgment.attempts,
            self.reply.input_tokens,
            self.reply.output_tokens,
            self.cost,
            None if self.votes is None else json.dumps(self.votes),
            progress if self.answer else Progress.WAITING,
            said.verdict,
            said.preference,
            said.score,
            said.confidence,
            said.rationale,
            said.reason if self.answer else None,
        )


def finish(outcome: Outcome) -> bool:
    """Write what came of this attempt, unless another one has been counted since; whether it was written."""
    return finish_all([outcome])[0]


def finish_all(outcomes: Sequence[Outcome]) -> list[bool]:
    """The same of many in one transaction."""
    if not outcomes:
        return []
    replied = [(each, each.reply) for each in outcomes if isinstance(each.reply, Reply)]
    read = [_read(outcome.judgment, reply, outcome.cost) for outcome, reply in replied]
    with transaction.atomic():
        _lock([outcome.judgment for outcome in outcomes])
        written = _write(read)
        told = [each for each in read if each.judgment.pk in written and each.answer]
        for outcome in outcomes:
            if isinstance(outcome.reply, Unanswered) and _give_up_or_wait(outcome, outcome.reply):
                written.add(outcome.judgment.pk)
        _tell(told)
        asked = [each for each in outcomes if each.was_asked]
        calling.note_all([(each.call, each.reply) for each in asked])
    return [outcome.judgment.pk in written for outcome in outcomes]


def _lock(judgments: Sequence[Judgment]) -> None:
    """In one order, so that two workers never wait for each other."""
    pks = [judgment.pk for judgment in judgments]
    list(Judgment.objects.filter(pk__in=pks).order_by("pk").select_for_update().values_list("pk"))


def _give_up_or_wait(outcome: Outcome, refused: Unanswered) -> bool:
    if outcome.was_asked:
        return _postpone(outcome.judgment, refused, outcome.cost)
    return _give_back(outcome.judgment, refused)


def _tell(told: Sequence[Read]) -> None:
    """Keep the traces that have a verdict now, and say it of them."""
    for each in told:
        answered.note(each.judgment, each.reply.model)
    held = sorted({each.judgment.trace_id for each in told})
    if held:
        Trace.objects.filter(pk__in=held, held=False).update(held=True)
    telling.scores(
        [(each.judgment, each.answer) for each in told if each.answer and each.answer.verdict in VERDICTS]
    )


def _read(judgment: Judgment, reply: Reply, cost: float) -> Read:
    """Where a version asks several times there is an answer when all votes have been given."""
    answer, wanted = _parse(judgment, reply), votes.samples(judgment.version.parameters)
    if wanted == 1:
        return Read(judgment, reply, cost, answer)
    given = [*judgment.votes, votes.vote(answer)]
    if len(given) < wanted:
        return Read(judgment, reply, cost, None, given)
    return Read(judgment, reply, cost, votes.counted(given, of_pair=judgment.item_id is not None), given)


def _parse(judgment: Judgment, reply: Reply) -> Answer:
    """The answer in a reply; of a pair told of the item's own a and b, whichever was shown first."""
    if judgment.item_id is None:
        return protocol.parse(reply.text)
    answer = protocol.parse_pair(reply.text)
    own = {"first": judgment.order[:1], "second": judgment.order[1:]}
    return replace(answer, preference=own.get(answer.preference, answer.preference))


def _write(read: Sequence[Read]) -> set[int]:
    """In one statement; the ids of those whose attempt was still the latest one."""
    if not read:
        return set()
    columns = list(zip(*(each.row() for each in read), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(values) for values in columns])
        return {pk for (pk,) in cursor.fetchall()}


WRITE = """
    UPDATE evaluation_judgment j SET
        input_tokens = j.input_tokens + n.input_tokens, output_tokens = j.output_tokens + n.output_tokens,
        cost_usd = j.cost_usd + n.cost_usd, votes = coalesce(n.votes::jsonb, j.votes), lease_until = NULL,
        progress = n.progress, verdict = n.verdict, preference = n.preference, score = n.score,
        confidence = n.confidence, rationale = n.rationale, reason = coalesce(n.reason, j.reason),
        finished_at = CASE WHEN n.progress = 'waiting' THEN NULL ELSE statement_timestamp() END
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::float8[], %s::text[], %s::text[],
        %s::text[], %s::text[], %s::float8[], %s::float8[], %s::text[], %s::text[])
        AS n (id, attempts, input_tokens, output_tokens, cost_usd, votes, progress,
        verdict, preference, score, confidence, rationale, reason)
    WHERE j.id = n.id AND j.attempts = n.attempts AND j.progress = 'running' RETURNING j.id
"""


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


def _postpone(judgment: Judgment, refused: Unanswered, cost: float) -> bool:
    if refused.is_final or failures(judgment) >= MOST_ATTEMPTS:
        change: dict[str, Any] = {"progress": Progress.FAILED, "finished_at": Now()}
    else:
        change = {"progress": Progress.WAITING, "due_at": timezone.now() + pause(judgment, refused)}
    change |= {"reason": refused.reason[:200], "lease_until": None, "cost_usd": F("cost_usd") + cost}
    return bool(_mine(judgment).update(**change))


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
