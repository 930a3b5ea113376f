"""What do three people say together where one alone is often wrong? Cases that the lead has put into a queue
of their own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice

import pghistory

from ingest.models import Project
from reviewapp.demo import people
from reviewapp.demo.larkfield import LEAD
from reviewapp.demo.reviewing import call, decide_most, label, speaking_for_reviewers, turns_of
from reviewapp.demo.sending import Client
from reviewapp.demo.traffic import Plan
from reviewapp.demo.turns import Turn
from reviewapp.models import User
from reviewapp.review import items, queues, rubrics
from reviewapp.review.models import ReviewItem

QUEUE, NAME = "hard-cases", "Hard cases"
CLAIM = f"/api/v1/queues/{QUEUE}/claim"
PEOPLE = 3
ITEMS = 36


def look_closer(project: Project, plan: Plan, url: str) -> None:
    """Three of the reviewers label each case, then the lead decides most of what they could not. Nothing is
    done twice."""
    if queues.find(project, QUEUE):
        return
    turns = turns_of(plan)
    with pghistory.context(command="demo"):
        queue = queues.create(
            project,
            QUEUE,
            name=NAME,
            description="Answers that one alone often judges wrong: three people look at each.",
            overlap=PEOPLE,
            rubric_version=rubrics.create_starter(project),
        )
    chosen = hard(project, turns.values())
    items.enqueue(queue, chosen, LEAD)
    with speaking_for_reviewers(project) as token:
        client = Client(url, token)
        names = islice(cycle(sorted(people.MANNERS)), PEOPLE * len(chosen))
        # All are held before the first is answered: nobody answers a hard case at once.
        held = [(name, call(client, CLAIM, {"as_reviewer": name})) for name in names]
        for name, claimed in held:
            if claimed:
                label(client, name, claimed, people.strained(turns[claimed["item"]["trace_id"]], name))
    decide_most(ReviewItem.objects.filter(queue=queue), turns, User.objects.get(username=LEAD))


def hard(project: Project, turns: Iterable[Turn]) -> list[str]:
    """The newest that stand in no queue: as many whose flaw no rule has found as follow-ups without one."""
    known = set(ReviewItem.objects.of_project(project).values_list("trace__trace_id", flat=True))
    fit = [turn for turn in turns if turn.trace_id not in known and not turn.error]
    flawed = [turn.trace_id for turn in fit if turn.flaw][-ITEMS // 2 :]
    sound = [turn.trace_id for turn in fit if turn.history and not turn.flaw][-ITEMS // 2 :]
    return [trace_id for pair in zip(flawed, sound, strict=False) for trace_id in pair]
