"""The background job that lets judges score the results that wait for them.

A judge is asked the question it was validated on: the case's own words change nothing of it.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from evaluation.golden.content.lines import input_text, parse
from evaluation.judges.calls import calling, protocol, turns, votes
from evaluation.judges.calls.protocol import Answer, Question, Reply, Unanswered
from evaluation.judges.models import JudgeVersion
from evaluation.runs import deciding
from evaluation.runs.judged import certified, judges_of
from evaluation.runs.models import CaseResult, CiRun, Decision, ResultStatus, Scorer
from ingest.json_objects import Json

TURN_SECONDS = 5.0
CHUNK = 20
GIVE_UP_AFTER = timedelta(hours=1)


def judge_pending() -> None:
    """The job: let judges score waiting results, and decide their runs again."""
    with turns.taken() as is_ours:
        if is_ours:  # nor is a call paid twice by two of these jobs
            _work(time.monotonic() + TURN_SECONDS)


def _work(end: float) -> None:
    for run in CiRun.objects.filter(decision=Decision.PENDING).select_related("version__dataset__project"):
        if time.monotonic() > end:
            return
        judge_run(run, end)


def judge_run(run: CiRun, end: float) -> None:
    trusted = certified(run.version.dataset.project)
    given_up = run.created_at < timezone.now() - GIVE_UP_AFTER
    waiting = run.results.filter(status=ResultStatus.PENDING).select_related("case").order_by("pk")
    lines = dict(
        run.version.entries.filter(case__results__in=waiting).values_list("case_id", "revision__line")
    )
    for result in waiting[:CHUNK]:
        if time.monotonic() > end:
            break
        _judge(result, parse(lines[result.case_id] or "{}"), trusted, given_up)
    with transaction.atomic():
        locked = CiRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        locked.version = run.version
        deciding.decide(locked)


def _judge(result: CaseResult, line: Json, trusted: dict[str, JudgeVersion], given_up: bool) -> None:
    """Every judge that is named has to say pass; one that says nothing leaves it waiting, or in error."""
    for name in sorted(judges_of(line)):
        version = trusted.get(name)
        if version is None:
            return
        try:
            answer = _answer(version, line, result)
        except Unanswered as refused:
            if refused.is_final or given_up:
                _write(result, ResultStatus.ERROR, None, f"judge {name}: {refused.reason}")
            return
        if answer.verdict != "pass":
            status = ResultStatus.FAIL if answer.verdict == "fail" else ResultStatus.ERROR
            _write(result, status, answer.score, f"judge {name}: {answer.rationale or answer.reason}")
            return
    _write(result, ResultStatus.PASS, None, "")


def _write(result: CaseResult, status: str, score: float | None, reason: str) -> None:
    """`score` is the judge's probability of failure; a result's is of success."""
    CaseResult.objects.filter(pk=result.pk, status=ResultStatus.PENDING).update(
        status=status,
        scored_by=Scorer.JUDGE,
        score=None if score is None else 1 - score,
        reason=reason.replace("\0", "\ufffd")[:4000],
    )


def _answer(version: JudgeVersion, line: Json, result: CaseResult) -> Answer:
    """By vote, where the version asks several times. Raises Unanswered."""
    wanted = votes.samples(version.parameters)
    answers = [protocol.parse(_ask(version, line, result, place + 1).text) for place in range(wanted)]
    return answers[0] if wanted == 1 else votes.counted([votes.vote(each) for each in answers])


def _ask(version: JudgeVersion, line: Json, result: CaseResult, sample: int = 1) -> Reply:
    """Raises Unanswered."""
    question = Question(
        trace_id=result.case.case_id,
        input=input_text(line["input"]),
        output=result.output,
        criterion=version.criterion,
        guidance=version.prompt,
        trial=result.trial,
        sample=sample,
    )
    call = calling.call_of(version, question)
    reply = calling.tried(call.ask)
    calling.note(call, reply)
    if isinstance(reply, Unanswered):
        raise reply
    return reply
