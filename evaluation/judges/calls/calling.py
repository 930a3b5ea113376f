"""How is a judge called? Once budget and breaker have said yes; both hear of it when the call has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from evaluation.judges.calls import breaker, budget, client, endpoints, rules
from evaluation.judges.calls.protocol import PairQuestion, Question, Reply, Spec, Unanswered
from evaluation.judges.models import JudgeVersion, Kind, TryOut

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What to call. Of an endpoint that is paid: the most that it may cost, and where that is kept aside."""

    endpoint: str
    ask: Callable[[], Reply]
    price: float = 0.0
    kept: int | None = None


def call_of(version: JudgeVersion | TryOut, question: Question | PairQuestion) -> Call:
    """What to call, after budget and breaker have said yes. Raises Unanswered."""
    (call,) = calls_of(version, [question])
    if isinstance(call, Unanswered):
        raise call
    return call


def calls_of(
    version: JudgeVersion | TryOut, asked: Sequence[Question | PairQuestion]
) -> list[Call | Unanswered]:
    """The same of many. Where the budget has no room for all of them, each asks for itself."""
    spec = Spec(version.endpoint, version.model, version.prompt, version.parameters)
    if version.kind == Kind.RULES:
        return [_by_rules(spec, question) for question in asked]
    if version.kind != Kind.LITELLM:
        return [Unanswered("this judge runs elsewhere", is_final=True) for _ in asked]
    try:
        endpoint = endpoint_of(version)
        breaker.admit(endpoint.name)
    except Unanswered as no:
        return [no for _ in asked]
    return _kept_aside(endpoint, [client.prepared(endpoint, spec, question) for question in asked])


def _by_rules(spec: Spec, question: Question | PairQuestion) -> Call:
    if isinstance(question, PairQuestion):
        return Call("", lambda: rules.ask_pair(spec, question))
    return Call("", lambda: rules.ask(spec, question))


def _kept_aside(endpoint: endpoints.Endpoint, prepared: Sequence[client.Prepared]) -> list[Call | Unanswered]:
    if not endpoint.is_paid:
        return [Call(endpoint.name, partial(client.ask, each)) for each in prepared]
    prices = [budget.most(endpoint, each.spec.parameters, each.most_sent) for each in prepared]
    try:
        kept = budget.reserve(prices)
    except Unanswered as no:
        alone = len(prepared) == 1
        return [no] if alone else [call for each in prepared for call in _kept_aside(endpoint, [each])]
    return [
        Call(endpoint.name, partial(client.ask, each), price, pk)
        for each, price, pk in zip(prepared, prices, kept, strict=True)
    ]


def endpoint_of(version: JudgeVersion | TryOut) -> endpoints.Endpoint:
    """Raises Unanswered where the operator's list does not hold what the version pins."""
    try:
        endpoint = endpoints.known().get(version.endpoint)
    except endpoints.Misconfigured:
        raise Unanswered("the operator's list of endpoints cannot be read") from None
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
        return Unanswered("the judge broke", may_cost=True)


def cost(call: Call, reply: Reply | Unanswered) -> float:
    """What a call has cost; the most that it may have cost where nobody knows."""
    known = _known_cost(reply)
    return call.price if known is None else known


def _known_cost(reply: Reply | Unanswered) -> float | None:
    if isinstance(reply, Unanswered):
        return None if reply.may_cost else 0.0
    return reply.cost_usd


def note(call: Call, reply: Reply | Unanswered) -> None:
    """What the breaker and the budget have to know of a call that has ended; a judge of rules has neither."""
    note_all([(call, reply)])


def note_all(ended: Sequence[tuple[Call, Reply | Unanswered]]) -> None:
    """Failures one by one; the successes of an endpoint together, after them."""
    answered = set()
    for call, reply in ended:
        if isinstance(reply, Unanswered):
            breaker.note(call.endpoint, failed=not reply.is_final)
        else:
            answered.add(call.endpoint)
    for endpoint in sorted(answered):
        breaker.note(endpoint, failed=False)
    budget.end({call.kept: _known_cost(reply) for call, reply in ended if call.kept is not None})
