"""Asks a provider's model. The only place that knows litellm, which is imported when the first call is made.

One call is one attempt: retries, pauses and the budget are rows (see judging), so that a killed worker
forgets none of them. What is raised names neither address nor key.
"""

from __future__ import annotations

import json
import logging
import math
import os
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from evaluation.judges.calls import budget
from evaluation.judges.calls.endpoints import Endpoint
from evaluation.judges.calls.protocol import PairQuestion, Question, Reply, Spec, Unanswered, storable
from evaluation.judges.calls.wording import messages, pointing

LONGEST_REPLY = 100_000
LONGEST_MODEL = 200
# Of a call beside its messages. A token is a byte at least: whoever states more tokens is not believed.
FRAME_TOKENS = 1000
# Anything shorter occurs in ordinary sentences.
SHORTEST_SECRET, LONG_PROMPT = 6, 20
WITHHELD = "[withheld]"
DEEPEST_CAUSE = 12
ALLOWED = ("temperature", "top_p", "max_tokens", "seed", "reasoning_effort")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call with its messages, before anything is sent; `most_sent`: the most tokens that they may be."""

    endpoint: Endpoint
    spec: Spec
    told: list[dict[str, str]]

    @property
    def most_sent(self) -> int:
        return FRAME_TOKENS + sum(len(each["content"].encode("utf-8", "replace")) for each in self.told)


def prepared(endpoint: Endpoint, spec: Spec, question: Question | PairQuestion) -> Prepared:
    return Prepared(endpoint, spec, messages(spec, question))


def ask(call: Prepared) -> Reply:
    """Raises Unanswered; at most one request is made."""
    provider, endpoint, spec = _litellm(), call.endpoint, call.spec
    try:
        response = provider.completion(
            model=endpoint.model,
            messages=call.told,
            api_base=endpoint.base_url or None,
            api_key=endpoint.secret() or "none",
            timeout=endpoint.timeout,
            num_retries=0,
            max_retries=0,
            **{name: spec.parameters[name] for name in ALLOWED if name in spec.parameters}
            | {"max_tokens": budget.most_answered(spec.parameters)},
        )
    except Exception as error:
        raise _unanswered(error) from None
    reply = _reply(endpoint, response, call.most_sent, budget.most_answered(spec.parameters))
    return replace(
        reply, text=_masked(endpoint, spec, reply.text), model=_masked(endpoint, spec, reply.model)
    )


def _masked(endpoint: Endpoint, spec: Spec, text: str) -> str:
    """Without what is the operator's or the author's alone: reviewers read what a rationale repeats of it."""
    host = urlsplit(endpoint.base_url).netloc
    private = [endpoint.secret(), endpoint.base_url, host if set(host) & set(".:") else ""]
    private += [spec.prompt, pointing(spec.prompt)] if len(spec.prompt) >= LONG_PROMPT else []
    for words in private:
        if len(words) >= SHORTEST_SECRET:
            # As it is, and as JSON writes it.
            for written in (words, json.dumps(words)[1:-1], json.dumps(words, ensure_ascii=False)[1:-1]):
                text = text.replace(written, WITHHELD)
    return text


@cache
def _litellm() -> Any:
    # Without it the import itself asks the network for a price list.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm
    from litellm.llms.custom_httpx.http_handler import HTTPHandler

    from evaluation.judges.calls import wire

    # They log every call, with addresses and prompts; what matters about a call is in its row.
    for name in ("LiteLLM", "openai", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = True
    litellm.client_session = wire.client()
    # Calls in protocols other than OpenAI's go through this class.
    HTTPHandler.create_client = lambda handler: wire.client()
    return litellm


def _reply(endpoint: Endpoint, response: Any, most_sent: int, most_got: int) -> Reply:
    try:
        text = response.choices[0].message.content or ""
        usage = getattr(response, "usage", None)
        sent = _tokens(usage, "prompt_tokens", most_sent)
        got = _tokens(usage, "completion_tokens", most_got)
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError):
        raise Unanswered("the endpoint's answer was not as its protocol says", may_cost=True) from None
    if not isinstance(text, str) or len(text) > LONGEST_REPLY:
        raise Unanswered("the endpoint's answer was too large", is_final=True, may_cost=True)
    cost = (sent * endpoint.input_price + got * endpoint.output_price) / 1e6
    # An answer takes tokens: who tells of none has not told the price.
    return Reply(text, sent, got, cost if sent and got else None, _model(response))


def _tokens(usage: Any, name: str, most: int) -> int:
    return min(max(int(getattr(usage, name, 0) or 0), 0), most)


def _model(response: Any) -> str:
    """As the provider names it: it may be another one than was asked for."""
    named = getattr(response, "model", None)
    return storable(named)[:LONGEST_MODEL] if isinstance(named, str) else ""


def _unanswered(error: Exception) -> Unanswered:
    """By the class's name, since all of litellm's own come from its providers' packages."""
    kind, may_cost = type(error).__name__, _may_cost(error)
    if kind == "RateLimitError":
        return Unanswered("the endpoint asked to slow down", retry_after=_retry_after(error))
    if "Timeout" in kind:
        return Unanswered("the endpoint did not answer in time", may_cost=may_cost)
    if kind in ("AuthenticationError", "PermissionDeniedError"):
        return Unanswered("the endpoint refused its key", is_final=True)
    if kind in ("BadRequestError", "ContextWindowExceededError", "NotFoundError", "UnsupportedParamsError"):
        return Unanswered("the endpoint refused the request", is_final=True)
    if kind == "ContentPolicyViolationError":
        return Unanswered("the endpoint's own policy refused the text", is_final=True)
    return Unanswered("the endpoint failed", may_cost=may_cost)


def _may_cost(error: BaseException | None) -> bool:
    """Not what the endpoint refused itself, nor what never reached it; anything else may have been carried
    out, and be charged, though no answer came back."""
    import httpx

    seen = 0
    while error is not None and seen < DEEPEST_CAUSE:
        if isinstance(
            error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.HTTPStatusError
        ):
            return False
        error, seen = error.__cause__ or error.__context__, seen + 1
    return True


def _retry_after(error: Exception) -> float | None:
    """In seconds; where litellm keeps the headers depends on the provider."""
    response = getattr(error, "response", None)
    for headers in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        try:
            seconds = float((headers or {}).get("retry-after", ""))
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), 3600.0)
    return None
