"""What tests of reviewing are made of: traces, queues, people, and threads with connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import connections

from ingest.models import Trace, TraceRecord
from ingest.records import content_hash
from reviewapp.models import Membership, Role, User
from reviewapp.review import items, presets, queues, rubrics, telling
from reviewapp.review.labels import Answer
from reviewapp.review.models import ReviewItem

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
# Asks verdict, severity (a scale) and kinds, and nothing critical.
SAFETY = replace(presets.BY_SLUG["safety"], criteria=presets.BY_SLUG["safety"].criteria[1:])
PASS, FAIL, UNSURE = Answer(verdict="pass"), Answer(verdict="fail"), Answer(verdict="cannot_tell")


def make_traces(project, number, prefix="t", **columns):
    traces = Trace.objects.bulk_create(
        Trace(project=project, trace_id=f"{prefix}-{n:05}", started_at=START, revision=1, **columns)
        for n in range(number)
    )
    TraceRecord.objects.bulk_create(
        TraceRecord(
            trace=trace,
            occurred_at=START,
            body={"input": f"question {trace.trace_id}", "output": f"answer {trace.trace_id}"},
            sha256=content_hash(trace.trace_id),
        )
        for trace in traces
    )
    return traces


def late_span(trace):
    TraceRecord.objects.create(
        trace=trace,
        occurred_at=START + timedelta(seconds=1),
        body={"output": "another answer"},
        sha256=content_hash("late"),
    )
    Trace.objects.filter(pk=trace.pk).update(revision=trace.revision + 1)


def make_queue(project, slug="review", **settings):
    return queues.create(project, slug, rubric_version=rubrics.create_starter(project), **settings)


def make_reviewer(project, name, role=Role.REVIEWER):
    user = User.objects.create(username=name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


def filled(queue, number):
    """Items with priorities falling from the first to the last."""
    traces = make_traces(queue.project, number, prefix=queue.slug)
    return items.enqueue(queue, [trace.trace_id for trace in traces]).added


def together(functions):
    """Call all of them at once, each in a thread with a connection of its own; their results."""

    def run(function):
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(run, functions))


def in_figures(project):
    """The ids of the labels of which the API says that figures count them."""
    return [told.id for told in telling.label_lines(project, None, 0) if told.in_figures]


def reload(item):
    return items.find(item.queue.project, item.pk)


def assert_sound(project):
    """Counters equal a recount, and nobody holds more than is to be had."""
    assert items.miscounted(project) == 0
    for item in ReviewItem.objects.of_project(project).prefetch_related("assignments"):
        taken = [each for each in item.assignments.all() if each.state in ("leased", "submitted")]
        assert len(taken) <= item.required
