"""What happened at Larkfield's support assistant? The demo's conversations as plain facts, drawn by a seed.

Pure: a plan is a function of its seed, its anchor in time and its size, so that it can be sent again and
change nothing. Each conversation has a generator of its own, and a longer plan begins with the shorter one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from reviewapp.demo import stories
from reviewapp.demo.stories import ENGLISH, GERMAN, Document, FollowUp, Story, Tool
from reviewapp.demo.turns import NATIVE, OPENINFERENCE, OTEL, Model, Turn

GERMAN_SHARE = 0.22
STAGING_SHARE = 0.07
# Of all requests within a day, by hour.
HOURS = (1, 1, 0, 0, 0, 1, 2, 5, 9, 12, 13, 12, 10, 9, 9, 9, 9, 10, 11, 13, 13, 10, 6, 3)
LONGEST_CONVERSATION = 5


# The snapshots fail about as often as each other: before and since its judge's change the assistant is no
# other one. Chance alone could still say so, hence larkfield.DRAWN_BY.
JULY = Model("gpt-5-mini-2026-07-18", "openai", 2.5e-7, 2e-6, 92, 0.1)
OCTOBER = Model("gpt-5-mini-2026-10-09", "openai", 2.5e-7, 2e-6, 118, 0.09)
MISTRAL = Model("mistral-small-2506", "mistral_ai", 1e-7, 3e-7, 140, 0.22)

# What a route and a flaw's language add to the chance that an answer fails.
HARDER_ROUTES = {"refunds": 0.07, "warranty": 0.05, "gift_cards": 0.04, "product": -0.03}
GERMAN_HARDER = 0.05
# The newer snapshot is the better one, except where money is concerned.
OCTOBER_HARDER = {"refunds": 0.12, "gift_cards": 0.06}
# Product facts are many small stories, attacks are rare; any other story counts once.
FACT_WEIGHT, ATTACK_WEIGHT = 0.35, 0.3
ATTACKS = frozenset({"injection", "fishing", "abusive", "far"})
# When the newer prompt came: in the third week, long before the judge's provider changes in the eighth.
NEW_PROMPT_AGE = 0.72
# Traffic of a Saturday or Sunday in that of a working day, and the growth over the whole plan.
WEEKEND, GROWTH = 0.65, 0.4


@dataclass(frozen=True, slots=True)
class Plan:
    """`anchor` is the moment the story ends; `days` is how far it reaches back."""

    seed: int
    anchor: datetime
    traces: int
    days: int = 70


def conversations(plan: Plan) -> Iterator[tuple[Turn, ...]]:
    """Conversations of one to five turns, `plan.traces` turns in all."""
    left, number = plan.traces, 0
    while left > 0:
        turns = Conversation(plan, number).held()[:left]
        yield turns
        left, number = left - len(turns), number + 1


def weight(story: Story) -> float:
    """How often a story is told, against any other."""
    if story.fixed:
        return FACT_WEIGHT
    return ATTACK_WEIGHT if story.intent.split("_")[0] in ATTACKS else 1.0


@cache
def day_weights(midnight: datetime, days: int) -> tuple[float, ...]:
    """Traffic of each day, the last one first."""
    dates = [midnight - timedelta(days=back) for back in range(days)]
    return tuple(
        (WEEKEND if date.weekday() > 4 else 1.0) * (1 + GROWTH * (1 - back / days))
        for back, date in enumerate(dates)
    )


def identity(seed: int, *parts: object) -> str:
    """32 hexadecimal digits which follow from the seed."""
    return hashlib.sha256("/".join(map(str, (seed, *parts))).encode()).hexdigest()[:32]


class Conversation:
    """One customer's visit, told turn by turn with a generator of its own."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan = plan
        self.number = number
        self.rng = Random(f"{plan.seed}/{number}")  # noqa: S311 - a story, not a secret
        self.language = GERMAN if self.rng.random() < GERMAN_SHARE else ENGLISH
        self.clock = self.arrival()
        age = (plan.anchor - self.clock) / timedelta(days=plan.days)
        self.prompt_version = "v7" if age < NEW_PROMPT_AGE else "v6"
        self.model = self.model_at(age)
        self.environment = "staging" if self.rng.random() < STAGING_SHARE else "production"
        self.user_id = f"cust-{self.rng.randrange(1000, 4000)}"
        self.channel = self.rng.choices((OTEL, OPENINFERENCE, NATIVE), (5, 3, 2))[0]
        bought = self.clock - timedelta(days=self.rng.randrange(3, 24))
        date = f"{bought.day} {bought:%B}" if self.language == ENGLISH else f"{bought:%d.%m.}"
        self.words = stories.slots(self.language, self.rng, date)
        self.story = self.new_story()
        self.turns: list[Turn] = []

    def arrival(self) -> datetime:
        midnight = self.plan.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
        hour = self.rng.choices(range(24), HOURS)[0]
        second = self.rng.randrange(3600)
        days_back = self.rng.choices(range(self.plan.days), day_weights(midnight, self.plan.days))[0]
        moment = midnight + timedelta(hours=hour, seconds=second) - timedelta(days=days_back)
        # The anchor's own day has only just begun or is half over: what lies ahead of it was a day earlier.
        return moment if moment < self.plan.anchor - timedelta(minutes=30) else moment - timedelta(days=1)

    def model_at(self, age: float) -> Model:
        """`age` is 1 at the plan's beginning, 0 at its anchor; one visit in eight tries another maker."""
        if self.rng.random() < 0.12:
            return MISTRAL
        return JULY if age > 0.55 else OCTOBER

    def new_story(self) -> Story:
        told = [story for story in stories.stories() if story.language == self.language]
        story = stories.narrowed(self.rng.choices(told, list(map(weight, told)))[0], self.rng)
        self.words = self.words | story.fixed
        if self.words["other"] == self.words["product"]:
            self.words["other"] = self.rng.choice([w for w in self.products() if w != self.words["product"]])
        return story

    def products(self) -> tuple[str, ...]:
        return stories.voice(self.language).words["product"]

    def held(self) -> tuple[Turn, ...]:
        self.add(stories.ask(self.story, self.rng, self.words))
        while len(self.turns) < LONGEST_CONVERSATION and self.goes_on():
            self.pause()
            self.take_next_turn()
        return tuple(self.turns)

    def goes_on(self) -> bool:
        last = self.turns[-1]
        failed_openly = last.flaw in {"incomplete", "refusal", "truncated", "language", "error"}
        return self.rng.random() < (0.62 if failed_openly else 0.27)

    def pause(self) -> None:
        seconds = 8 + self.rng.expovariate(1 / 45) + len(self.turns[-1].answer) / 25
        self.clock = self.turns[-1].ended_at + timedelta(seconds=seconds)

    def take_next_turn(self) -> None:
        own = stories.voice(self.language)
        if self.turns[-1].flaw not in {"", "tone"} and self.rng.random() < 0.7:
            again = stories.ask(self.story, self.rng, self.words, opening="")
            complaint = self.rng.choice(own.complaints).format(question=again)
            self.add(complaint)
            return
        told = [turn.question for turn in self.turns]
        open_ends = [each for each in self.story.follow_ups if each.question not in told]
        if open_ends and self.rng.random() < 0.75:
            self.follow(open_ends[0])
        elif self.rng.random() < 0.6:
            self.story = self.new_story()
            opening = self.rng.choice(own.connections)
            self.add(stories.ask(self.story, self.rng, self.words, opening))
        else:
            self.follow(self.rng.choice(own.small_talk), documents=())

    def follow(self, end: FollowUp, documents: tuple[Document, ...] | None = None) -> None:
        story = Story(
            route=self.story.route,
            intent=f"{self.story.intent}_follow_up",
            language=self.language,
            questions=(end.question,),
            answers=end.answers,
            flaws={"incomplete": end.flawed} if end.flawed else {},
            documents=self.story.documents[:1] if documents is None else documents,
        )
        self.add(stories.fill(end.question, self.words), story)

    def add(self, question: str, story: Story | None = None) -> None:
        story = story or self.story
        flaw = self.flaw_of(story)
        self.turns.append(Answering(self, story, question, flaw).turn())

    def flaw_of(self, story: Story) -> str:
        """The hidden truth about the coming answer: empty, or the way in which it fails."""
        rng = self.rng
        if rng.random() < 0.018:
            return "error"
        chance = self.model.failures + HARDER_ROUTES.get(story.route, 0.0)
        chance += GERMAN_HARDER if story.language == GERMAN else 0.0
        chance += OCTOBER_HARDER.get(story.route, 0.0) if self.model is OCTOBER else 0.0
        # The newer prompt invents less and refuses more.
        newer = self.prompt_version == "v7"
        if rng.random() >= chance * (0.8 if newer else 1.0):
            return ""
        weights = dict.fromkeys(story.flaws, 3.0) | {"refusal": 1.4 if newer else 0.4, "truncated": 0.5}
        weights["tone"] = weights.get("tone", 0.3) * (0.5 if newer else 1.0)
        if "invented" in weights:
            weights["invented"] *= 0.4 if newer else 1.2
        if story.language == GERMAN and stories.english_twin(story):
            weights["language"] = 3.0
        kinds = sorted(weights)
        return rng.choices(kinds, [weights[kind] for kind in kinds])[0]


class Timing(NamedTuple):
    """How long retrieval, the tool and the whole request took, in ms."""

    retrieval_ms: int
    tool_ms: int
    latency_ms: int


class Answering:
    """How the assistant came to one answer: what it read, what it called, how long it took, what it cost."""

    def __init__(self, visit: Conversation, story: Story, question: str, flaw: str) -> None:
        self.visit, self.story, self.question, self.flaw = visit, story, question, flaw
        self.rng = visit.rng
        self.history = tuple(
            message
            for turn in visit.turns
            for message in (("user", turn.question), ("assistant", turn.answer))
            if message[1]
        )
        self.error_type, self.error = self.failure()
        self.answer, self.finish = self.said()

    def failure(self) -> tuple[str, str]:
        if self.flaw != "error":
            return "", ""
        kind, text = self.rng.choice(stories.shop()["provider_errors"])
        return kind, text

    def said(self) -> tuple[str, str]:
        if self.flaw == "error":
            return "", "error"
        # A German question answered in the wrong language, with the English answer to the same question.
        twin = stories.english_twin(self.story) if self.flaw == "language" else None
        manner = stories.Manner(self.visit.prompt_version, is_first=not self.history)
        text = stories.answer(twin or self.story, self.rng, self.visit.words, manner, self.flaw)
        if self.flaw == "truncated":
            return text[: max(20, int(len(text) * self.rng.uniform(0.35, 0.7)))].rstrip(), "length"
        return text, "stop"

    def documents(self) -> tuple[Document, ...]:
        """What retrieval found: the passages that answer, and now and then one that does not."""
        found = list(self.story.documents)
        if found and self.rng.random() < 0.45:
            extra = stories.document(self.rng.choice(sorted(stories.shop()["documents"])))
            found += [extra] if extra not in found else []
        return tuple(found)

    def tool(self) -> Tool | None:
        """The call the story makes, with its slots filled; a refusal comes without looking anything up."""
        tool = self.story.tool
        if tool is None or self.flaw in {"refusal", "error"}:
            return None
        words = self.visit.words
        return Tool(tool.name, stories.fill_all(tool.arguments, words), stories.fill_all(tool.result, words))

    def turn(self) -> Turn:
        visit = self.visit
        identifier = identity(visit.plan.seed, visit.number, len(visit.turns))
        documents, tool = self.documents(), self.tool()
        input_tokens, output_tokens = self.tokens(documents, tool)
        took = self.timing(documents, tool, output_tokens)
        return Turn(
            trace_id=identifier if visit.channel != NATIVE else f"chat-{identifier[:16]}",
            channel=visit.channel,
            session_id=f"sess-{identity(visit.plan.seed, visit.number)[:12]}",
            user_id=visit.user_id,
            route=self.story.route,
            intent=self.story.intent,
            language=self.story.language,
            environment=visit.environment,
            started_at=visit.clock,
            retrieval_ms=took.retrieval_ms,
            tool_ms=took.tool_ms,
            latency_ms=took.latency_ms,
            prompt_version=visit.prompt_version,
            model=visit.model,
            history=self.history,
            question=self.question,
            documents=documents,
            tool=tool,
            answer=self.answer,
            finish=self.finish,
            error_type=self.error_type,
            error=self.error,
            input_tokens=input_tokens,
            output_tokens=output_tokens if not self.error else 0,
            flaw=self.flaw,
        )

    def tokens(self, documents: tuple[Document, ...], tool: Tool | None) -> tuple[int, int]:
        """Tokens read and written, at about four characters each."""
        read = len(self.question) + sum(len(d.text) for d in documents) + sum(len(t) for _, t in self.history)
        written = math.ceil(len(self.answer) / 3.6)
        return 90 + read // 4 + (140 if tool else 0), written + (28 if tool else 0)

    def timing(self, documents: tuple[Document, ...], tool: Tool | None, output_tokens: int) -> Timing:
        retrieval_ms = int(self.rng.lognormvariate(4.1, 0.5)) if documents else 0
        tool_ms = int(self.rng.lognormvariate(5.2, 0.6)) if tool else 0
        thinking = self.rng.lognormvariate(6.0, 0.45) * (2 if tool else 1)
        writing = 1000 * output_tokens / self.visit.model.tokens_per_second
        waited = 30_000 if self.error_type == "APITimeoutError" else 0
        return Timing(retrieval_ms, tool_ms, int(retrieval_ms + tool_ms + thinking + writing + waited) + 12)
