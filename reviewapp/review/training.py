"""Training data from reviewed answers: fine-tuning examples of OpenAI's form, and preference pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Q, QuerySet

from ingest.json_objects import Json
from ingest.models import Project
from reviewapp.review import snapshots
from reviewapp.review.models import ItemKind, ItemState, Preference, Resolution, Verdict

FORMATS = ("openai", "preference")
VERDICTS = ("pass", "fail")
CHUNK = 200


def examples(project: Project, form: str, verdict: str = "", hidden: Collection[int] = ()) -> Iterator[Json]:
    """One example for each resolved item that gives one, in the order of resolving; none of hidden traces.

    openai: {"messages": [...]} that end with the answer that passed, or with the corrected one of an answer
    that failed; `verdict` chooses either. preference: {"input", "preferred_output", "non_preferred_output"}
    of pairs with a winner, and of corrected answers over the failed ones. The winner of a pair, which has no
    verdict, counts as passed.
    """
    found = standing(project).exclude(item__trace__in=hidden)
    if hidden:
        found = found.exclude(item__other_trace__in=hidden)
    if verdict:
        is_won = Q(item__kind=ItemKind.PAIR) if verdict == Verdict.PASS else Q()
        found = found.filter(Q(verdict=verdict) | is_won)
    compose = _openai if form == "openai" else _preference
    for resolution in found.iterator(CHUNK):
        example = compose(resolution)
        if example is not None:
            yield example


def standing(project: Project) -> QuerySet[Resolution]:
    found = Resolution.objects.of_project(project).standing().filter(current_of__state=ItemState.RESOLVED)
    return found.select_related("item__snapshot").order_by("pk")


def _openai(resolution: Resolution) -> Json | None:
    if resolution.item.kind != ItemKind.TRACE:
        return None
    shown = _shown(resolution)
    view = shown.get("trace")
    if not view:
        return None
    passed = resolution.verdict == Verdict.PASS
    answer = resolution.corrected_output or (view["output"] if passed else "")
    return {"messages": [*prompt(view), _assistant(answer)]} if answer else None


def _preference(resolution: Resolution) -> Json | None:
    shown = _shown(resolution)
    if resolution.item.kind == ItemKind.TRACE:
        view, better = shown.get("trace"), resolution.corrected_output
        return _pair(view, better, view["output"]) if view and better else None
    winner = resolution.preference
    if winner not in (Preference.A, Preference.B) or "a" not in shown:
        return None
    loser = "b" if winner == "a" else "a"
    return _pair(shown[winner], shown[winner]["output"], shown[loser]["output"])


def _pair(view: Json, better: str, worse: str) -> Json:
    return {
        "input": {"messages": prompt(view)},
        "preferred_output": [_assistant(better)],
        "non_preferred_output": [_assistant(worse)],
    }


def _shown(resolution: Resolution) -> Json:
    snapshot = resolution.item.snapshot
    return snapshots.content(snapshot) if snapshot else {}


def prompt(view: Json) -> list[Json]:
    """What was said before the answer; without a conversation the input alone."""
    said = [{"role": each["role"], "content": each["text"]} for each in view["messages"] if each["text"]]
    asked = [place for place, message in enumerate(said) if message["role"] == "user"]
    if not asked:
        return [{"role": "user", "content": view["input"]}]
    return [
        message for message in said[: asked[-1] + 1] if message["role"] in ("system", "user", "assistant")
    ]


def _assistant(text: str) -> Json:
    return {"role": "assistant", "content": text}
