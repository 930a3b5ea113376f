"""How is a judge called? Once budget and breaker have said yes; both hear of it when the call has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable

from evaluation.judges.calls import breaker, budget, client, endpoints, rules
from evaluation.judges.calls.protocol import PairQuestion, Question, Reply, Spec, Unanswered
from evaluation.judges.models import JudgeVersion, Kind, TryOut

logger = logging.getLogger(__name__)


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
    endpoint = endpoint_of(version) if is_admitted else _admitted(version)
    return lambda: client.ask(endpoint, spec, question)


def admit_all(version: JudgeVersion, calls: int) -> bool:
    """Ask breaker and budget once for so many calls; where they say no, each call asks for itself."""
    if version.kind != Kind.LITELLM:
        return False
    try:
        _admitted(version, calls)
    except Unanswered:
        return False
    return True


def _admitted(version: JudgeVersion | TryOut, calls: int = 1) -> endpoints.Endpoint:
    """The endpoint, which does not rest, with the price of the calls kept aside. Raises Unanswered."""
    endpoint = endpoint_of(version)
    breaker.admit(endpoint.name)
    budget.reserve(endpoint, version.parameters, calls)
    return endpoint


def endpoint_of(version: JudgeVersion | TryOut) -> endpoints.Endpoint:
    """Raises Unanswered where the operator's list does not hold what the version pins."""
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
        # Whatever a provider's library raises must not end the round of all the others.
        logger.exception("A judge broke.")
        return Unanswered("the judge broke")


def note(version: JudgeVersion | TryOut, reply: Reply | Unanswered) -> None:
    """What the breaker and the budget have to know of a call that has ended; a judge of rules has neither."""
    if isinstance(reply, Unanswered):
        breaker.note(version.endpoint, failed=not reply.is_final)
        budget.settle(version, 0.0)
    else:
        breaker.note(version.endpoint, failed=False)
        budget.settle(version, reply.cost_usd)
