"""What is one request to the demo's assistant, and what came of it? The facts that are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reviewapp.demo import stories
from reviewapp.demo.stories import Document, Tool

OTEL, OPENINFERENCE, NATIVE = "otel", "openinference", "native"


@dataclass(frozen=True, slots=True)
class Model:
    snapshot: str
    provider: str
    usd_per_input_token: float
    usd_per_output_token: float
    tokens_per_second: float
    failures: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to the assistant and what came of it. `flaw` is the hidden truth; it is never sent."""

    trace_id: str
    channel: str
    session_id: str
    user_id: str
    route: str
    intent: str
    language: str
    environment: str
    started_at: datetime
    retrieval_ms: int
    tool_ms: int
    latency_ms: int
    prompt_version: str
    model: Model
    history: tuple[tuple[str, str], ...]
    question: str
    documents: tuple[Document, ...]
    tool: Tool | None
    answer: str
    finish: str
    error_type: str
    error: str
    input_tokens: int
    output_tokens: int
    flaw: str

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(milliseconds=self.latency_ms)

    @property
    def cost_usd(self) -> float:
        paid_in = self.input_tokens * self.model.usd_per_input_token
        return round(paid_in + self.output_tokens * self.model.usd_per_output_token, 8)

    @property
    def system_prompt(self) -> str:
        return str(stories.shop()["prompts"][self.prompt_version])
