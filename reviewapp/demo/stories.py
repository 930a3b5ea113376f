"""What do Larkfield's customers ask, and what may the assistant answer? The demo's texts, read from TOML.

A story is one reason to write to the shop. Its texts have slots; `Voice` holds what differs by language.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent / "stories"
ENGLISH, GERMAN = "en", "de"
# Where stories are told, and in which language unless they say so themselves.
FILES = {
    "english": ENGLISH,
    "english_service": ENGLISH,
    "english_trips": ENGLISH,
    "german": GERMAN,
    "german_service": GERMAN,
    "attacks": ENGLISH,
}
SITUATION_SHARE = 0.3
# A passage is cited by an answer that shares as many words with it.
CITED_WORDS = 3
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
# First words of a question that are written small after a comma; any other may be a name.
LOWERED = frozenset((
    "How", "What", "Where", "Can", "Do", "Is", "Will", "When", "Are", "Bought", "Any", "My",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FollowUp:
    question: str
    answers: tuple[str, ...]
    flawed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    route: str
    intent: str
    language: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    flaws: dict[str, tuple[str, ...]]
    documents: tuple[Document, ...]
    tool: Tool | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    # The place of each question's answer; empty where any answers any.
    answer_of: tuple[int, ...] = ()
    # Slots the story fixes itself, such as the product its facts are about.
    fixed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Voice:
    """The small talk around a story in one language, and the words its slots are filled with."""

    openings: tuple[str, ...]
    closings: tuple[str, ...]
    greetings: tuple[str, ...]
    offers: tuple[str, ...]
    refusals: tuple[str, ...]
    brush_offs: tuple[str, ...]
    connections: tuple[str, ...]
    complaints: tuple[str, ...]
    small_talk: tuple[FollowUp, ...]
    # What people tell of themselves along with a question.
    situations: tuple[str, ...]
    words: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Manner:
    """Which prompt the assistant answers under, and whether the conversation has only begun."""

    prompt_version: str
    is_first: bool


@cache
def shop() -> dict[str, Any]:
    return read("shop.toml")


@cache
def reactions() -> dict[str, Any]:
    return read("reactions.toml")


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def stories() -> tuple[Story, ...]:
    told = [
        story_of(entry, language)
        for name, language in FILES.items()
        for entry in read(f"{name}.toml")["story"]
    ]
    return (*told, *product_stories())


def routes() -> list[str]:
    return sorted({story.route for story in stories()})


@cache
def twins() -> dict[str, Story]:
    """The English stories by intent whose answers fit any of their questions."""
    return {each.intent: each for each in stories() if each.language == ENGLISH and not each.answer_of}


def english_twin(story: Story) -> Story | None:
    return twins().get(story.intent)


def story_of(entry: dict[str, Any], language: str) -> Story:
    return Story(
        route=entry["route"],
        intent=entry["intent"],
        language=entry.get("language", language),
        questions=tuple(entry["questions"]),
        answers=tuple(entry["answers"]),
        flaws={flaw: tuple(texts) for flaw, texts in entry["flaws"].items()},
        documents=tuple(document(key) for key in entry["documents"]),
        answer_of=answer_places(entry),
        tool=Tool(**entry["tool"]) if "tool" in entry else None,
        follow_ups=tuple(
            FollowUp(each["question"], tuple(each["answers"]), tuple(each["flawed"]))
            for each in entry.get("follow_ups", ())
        ),
    )


def answer_places(entry: dict[str, Any]) -> tuple[int, ...]:
    if entry.get("paired"):
        return tuple(range(len(entry["questions"])))
    return tuple(entry.get("answer_of", ()))


def document(key: str) -> Document:
    entry = shop()["documents"][key]
    return Document(f"kb/{key}.md", entry["title"], entry["text"])


def product_stories() -> list[Story]:
    """One story for each fact of a product, answered from its data sheet."""
    told = []
    for key, product in shop()["products"].items():
        sheets = [
            Document(f"products/{key}-{number}.md", product["name"], fact["document"])
            for number, fact in enumerate(product["facts"], 1)
        ]
        told += [
            Story(
                route="product",
                intent=f"facts_{key}_{number}",
                language=ENGLISH,
                questions=(fact["question"],),
                answers=(fact["answer"],),
                flaws={
                    "wrong": (fact["wrong"],),
                    "incomplete": ("Please see the product page for details.",),
                },
                documents=(sheets[number], document("returns-cost")),
                fixed={"product": product["name"]},
            )
            for number, fact in enumerate(product["facts"])
        ]
    return told


@cache
def voice(language: str) -> Voice:
    own = read("english.toml" if language == ENGLISH else "german.toml")
    common, prefix = shop(), "" if language == ENGLISH else "german_"
    products = tuple(
        each["name" if language == ENGLISH else "german"] for each in common["products"].values()
    )
    return Voice(
        **{
            part: tuple(own[part])
            for part in ("openings", "closings", "greetings", "offers", "refusals", "brush_offs")
        },
        connections=tuple(common[f"{prefix}connections"]),
        complaints=tuple(common[f"{prefix}complaints"]),
        small_talk=tuple(
            FollowUp(question, (answer,))
            for question, answer in common["generic_follow_ups" if not prefix else "german_follow_ups"]
        ),
        situations=tuple(common[f"{prefix}situations"]),
        words={
            "product": products,
            "other": products,
            "city": tuple(common[f"{prefix}cities"]),
            "carrier": tuple(common[f"{prefix}carriers"]),
            "name": tuple(common[f"{prefix}names"]),
            "colour": tuple(common[f"{prefix}colours"]),
            "size": tuple(common["sizes"]),
            "trip": tuple(common[f"{prefix}trips"]),
            "when": tuple(common[f"{prefix}whens"]),
        },
    )


def slots(language: str, rng: Random, date: str) -> dict[str, str]:
    """One customer's particulars, the same through a whole conversation."""
    drawn = {name: rng.choice(words) for name, words in sorted(voice(language).words.items())}
    drawn["order"] = f"LK-{rng.randrange(210_000, 989_999)}"
    drawn["tracking"] = f"{rng.choice(LETTERS)}{rng.choice(LETTERS)}{rng.randrange(10**8, 10**9)}"
    drawn["card"] = "".join(rng.choice(LETTERS + "0123456789") for _ in range(6))
    drawn["amount"] = f"{rng.randrange(12, 320)}.{rng.choice(('00', '50', '90', '95'))}"
    drawn["email"] = f"{drawn['name'].split()[-1].lower()}.{rng.randrange(10, 99)}@post.example"
    drawn["date"] = date
    return drawn


def narrowed(story: Story, rng: Random) -> Story:
    """A story whose answers belong to questions with one question and its answer; any other as it is."""
    if not story.answer_of:
        return story
    place = rng.randrange(len(story.questions))
    answer = story.answers[story.answer_of[place]]
    return replace(story, questions=(story.questions[place],), answers=(answer,), answer_of=(0,))


def ask(story: Story, rng: Random, words: dict[str, str], opening: str | None = None) -> str:
    """A customer's message: a question with or without small talk, sometimes typed in a hurry."""
    own = voice(story.language)
    text = rng.choice(story.questions)
    if opening is None and rng.random() < 0.55:
        opening = rng.choice(own.openings)
    if rng.random() < SITUATION_SHARE and "{trip}" not in text:
        text = situated(text, rng.choice(own.situations), rng)
    if rng.random() < 0.4:
        text = end_sentence(text) + rng.choice(own.closings)
    text = fill(join(opening or "", text), words)
    if story.language == ENGLISH and rng.random() < 0.14:
        text = text.lower().replace("'", "").rstrip(".")
    return text


def situated(text: str, situation: str, rng: Random) -> str:
    """The question with what its sender tells of themselves before it or after it."""
    if rng.random() < 0.5:
        return f"{end_sentence(text)} {situation}"
    return f"{situation} {text[:1].upper()}{text[1:]}"


def end_sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def join(opening: str, text: str) -> str:
    """Opening and question as one text: after a full stop a sentence starts, after a comma it goes on."""
    if not opening or opening.rstrip().endswith((".", "!")):
        return opening + text[:1].upper() + text[1:]
    first = text.split(maxsplit=1)[0]
    return opening + (text[:1].lower() + text[1:] if first in LOWERED else text)


def answer(story: Story, rng: Random, words: dict[str, str], manner: Manner, flaw: str) -> str:
    own = voice(story.language)
    if flaw == "refusal":
        return rng.choice(own.refusals)
    if flaw == "tone" and "tone" not in story.flaws:
        return f"{rng.choice(own.brush_offs)} {fill(rng.choice(story.answers), words)}"
    text = rng.choice(story.flaws.get(flaw, story.answers))
    return fill(dressed(text, own, rng, manner, cited=passage_of(text, story.documents)), words)


def dressed(text: str, own: Voice, rng: Random, manner: Manner, *, cited: int) -> str:
    """Version 6 of the prompt is talkative, version 7 is brief and names its passage."""
    talkative = manner.prompt_version == "v6"
    greets = manner.is_first and rng.random() < (0.75 if talkative else 0.2)
    greeting = rng.choice(own.greetings) if greets else ""
    if talkative:
        return greeting + text + (rng.choice(own.offers) if rng.random() < 0.6 else "")
    return greeting + text + (f" [{cited}]" if cited and rng.random() < 0.85 else "")


def passage_of(text: str, documents: tuple[Document, ...]) -> int:
    """The number of the passage that shares most words with the text; 0 where none shares enough."""
    said = words_of(text)
    shared = [len(said & words_of(document.text)) for document in documents]
    most = max(shared, default=0)
    return shared.index(most) + 1 if most >= CITED_WORDS else 0


def words_of(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3 or word.isdigit()}


def fill(text: str, words: dict[str, str]) -> str:
    return text.format_map(words)


def fill_all(value: Any, words: dict[str, str]) -> Any:
    """The same for the texts inside a tool's arguments and result."""
    if isinstance(value, str):
        return fill(value, words)
    if isinstance(value, dict):
        return {key: fill_all(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [fill_all(each, words) for each in value]
    return value
