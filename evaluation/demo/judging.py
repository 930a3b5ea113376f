"""Larkfield's judge: trusted for seven weeks, changed unseen by its provider in the eighth, then replaced.

It is a judge of rules in Python with mistakes made on purpose, so it needs no key and no network. It looks
for the words of answers that are known to be wrong.
"""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import Any

from django.core.management import call_command

from evaluation.judges.making import versions
from evaluation.judges.models import Judge, Kind
from evaluation.judges.stability import anchors
from evaluation.judges.trust import certificates, stages
from ingest.models import Project
from reviewapp.demo import stories
from reviewapp.demo.larkfield import LEAD
from reviewapp.demo.traffic import Plan
from reviewapp.review import queues

NAME = "answer-quality"
# How long ago the provider pointed its alias at another model.
CHANGED_BEFORE = timedelta(weeks=3)
# The name by which the alias answers, before and after.
BEFORE, AFTER = "orion-mini-2026-06-18", "orion-mini-2026-10-29"
FIRST = {"missed": 0.01, "false_alarms": 0.07, "noise": 0.25, "seed": "larkfield-1", "model": BEFORE}
AFTER_THE_CHANGE = {"missed": 0.3, "false_alarms": 0.27, "model": AFTER}
SECOND = {"missed": 0.01, "false_alarms": 0.05, "noise": 0.25, "seed": "larkfield-2", "model": AFTER}
SHORTEST_WORDS = 18


def exists(project: Project) -> bool:
    return Judge.objects.filter(project=project, name=NAME).exists()


def judge(project: Project, plan: Plan) -> None:
    """Version 1 judges ten weeks, and its anchors twice, which shows that it moved; version 2 follows.

    Where a short plan has too few labels, the first version stays a candidate, as it would anywhere.
    """
    queue = queues.find(project, queues.STARTER)
    assert queue
    changed = (plan.anchor - CHANGED_BEFORE).isoformat()
    first = versions.create(
        project,
        NAME,
        Kind.RULES,
        rubric_version=queue.rubric_version,
        parameters=parameters({**FIRST, "later": {"from": changed, **AFTER_THE_CHANGE}}),
        description="Does the answer stand in front of the customer?",
        by=LEAD,
    )
    run(project, "1")
    try:
        stages.promote(first, LEAD)
    except stages.NotValidated as refusal:
        sys.stderr.write(f"{refusal}\n")
        return
    anchors.freeze(first, LEAD)
    for _ in range(2):
        run(project, "1", anchors=True)
    certificates.issue(first, LEAD)
    second = versions.create(
        project,
        NAME,
        Kind.RULES,
        rubric_version=queue.rubric_version,
        parameters=parameters(SECOND),
        by=LEAD,
    )
    run(project, "2")
    run(project, "2", anchors=True)
    stages.promote(second, LEAD)


def run(project: Project, version: str, **options: Any) -> None:
    call_command("run_judge", NAME, project=project.slug, asked=version, stdout=sys.stderr, **options)


def parameters(errors: dict[str, Any]) -> dict[str, Any]:
    rules = [{"contains": words, "weight": 0.9} for words in known_faults()]
    return {"rules": [*rules, {"empty": True}, {"status": "error"}], "threshold": 0.5, "errors": errors}


def known_faults() -> list[str]:
    """Of each failing answer of the stories the longest words that stand in every telling of it."""
    told = [text for story in stories.stories() for texts in story.flaws.values() for text in texts]
    told += [text for story in stories.stories() for end in story.follow_ups for text in end.flawed]
    for language in (stories.ENGLISH, stories.GERMAN):
        own = stories.voice(language)
        told += [*own.refusals, *own.brush_offs]
    longest = {max(re.split(r"\{\w+\}", text), key=len).strip() for text in told}
    return sorted(words for words in longest if len(words) >= SHORTEST_WORDS)
