"""Which of the demo's two prompt versions answers better? Pairs of one question, and what people prefer."""

from __future__ import annotations

from collections.abc import Mapping

import pghistory

from ingest.models import Project
from reviewapp.demo import people
from reviewapp.demo.larkfield import LEAD
from reviewapp.demo.reviewing import call, speaking_for_reviewers, turns_of
from reviewapp.demo.sending import Client
from reviewapp.demo.traffic import Plan
from reviewapp.demo.turns import Turn
from reviewapp.review import items, pairs, queues, rubrics
from reviewapp.review.models import ItemKind

QUEUE, NAME = "prompt-versions", "Prompt v6 or v7"
VERSIONS = ("v6", "v7")
# The number of pairs left over for people who look at the demo.
LEFT = 0.3
# Of those so many are shown to a second person, too, and wait for the lead where the two differ.
TWICE = 8


def compare(project: Project, plan: Plan, url: str) -> None:
    """A queue of pairs, most of them answered by one, some by two. Nothing is done twice."""
    if queues.find(project, QUEUE):
        return
    with pghistory.context(command="demo"):
        queue = queues.create(
            project,
            QUEUE,
            kind=ItemKind.PAIR,
            name=NAME,
            description="The same question, answered under both prompt versions.",
            rubric_version=rubrics.create_starter(project),
        )
    turns, names = turns_of(plan), sorted(people.MANNERS)
    # What came from elsewhere is nobody's to know the truth of.
    found = [pair for pair in pairs.find(project, "prompt_version", *VERSIONS) if turns.keys() >= set(pair)]
    waiting = len(items.enqueue_pairs(queue, found, LEAD).added)
    with speaking_for_reviewers(project) as token:
        client = Client(url, token)
        for place in range(round(waiting * (1 - LEFT))):
            prefer(client, names[place % len(names)], turns)
        with pghistory.context(command="demo"):
            queues.change(queue, overlap=2)
        for name in names[:2] * TWICE:
            prefer(client, name, turns)


def prefer(client: Client, name: str, turns: Mapping[str, Turn]) -> None:
    claimed = call(client, f"/api/v1/queues/{QUEUE}/claim", {"as_reviewer": name})
    if not claimed:
        return
    item, lease = claimed["item"], claimed["lease"]
    a, b = (turns[shown["trace_id"]] for shown in item["traces"])
    said = people.preference(a, b, name) | {
        "as_reviewer": name,
        "lease_token": lease["token"],
        "idempotency_key": f"demo-{name}-{item['id']}",
        "rubric_version": item["rubric_version"],
    }
    call(client, f"/api/v1/items/{item['id']}/label", said)
