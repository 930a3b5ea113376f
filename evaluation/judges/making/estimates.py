"""What would a version cost? Tokens of one call, dollars of a judgment and of a month, from its prompt."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from evaluation.judges.calls import budget, endpoints, votes, wording
from evaluation.judges.calls.protocol import PairQuestion, Question, Spec
from evaluation.judges.making.drafts import Draft
from evaluation.judges.models import Kind
from ingest import rates
from ingest.models import Project

DAYS = 30


@dataclass(frozen=True, slots=True)
class Estimate:
    """`judged_a_day` is what the rates of now draw for judges; `told` the very messages of one call."""

    told: tuple[dict[str, str], ...]
    input_tokens: int
    output_tokens: int
    calls: int
    per_judgment: float
    judged_a_day: float
    is_paid: bool
    spent: float
    budget: float

    @property
    def a_month(self) -> float:
        return self.per_judgment * self.judged_a_day * DAYS

    @property
    def is_over_budget(self) -> bool:
        return self.is_paid and self.spent + max(self.a_month, self.per_judgment) > self.budget

    @property
    def rest(self) -> int:
        """How many judgments what is left of the month's budget pays for."""
        left = max(0.0, self.budget - self.spent)
        return int(left / self.per_judgment) if self.per_judgment else 0


def estimate(project: Project, draft: Draft, question: Question | PairQuestion) -> Estimate:
    spec = Spec(draft.endpoint, draft.model, draft.prompt, draft.parameters)
    told = wording.messages(spec, question)
    calls = votes.samples(draft.parameters)
    sent, got = wording.tokens(told), wording.TOKENS_ANSWERED
    endpoint = _endpoint(draft)
    price = (sent * endpoint.input_price + got * endpoint.output_price) / 1e6 if endpoint else 0.0
    strata = rates.strata(project)
    return Estimate(
        told=tuple(told) if draft.kind == Kind.LITELLM else (),
        input_tokens=sent,
        output_tokens=got,
        calls=calls,
        per_judgment=price * calls,
        judged_a_day=sum(each.per_day * min(1.0, each.audit + each.judged) for each in strata),
        is_paid=price > 0,
        spent=budget.spent(),
        budget=float(settings.JUDGE_MONTHLY_BUDGET),
    )


def _endpoint(draft: Draft) -> endpoints.Endpoint | None:
    try:
        return endpoints.known().get(draft.endpoint) if draft.kind == Kind.LITELLM else None
    except endpoints.Misconfigured:
        return None
