"""The pulse puts each job in once, and again when it is due or lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import Task

from reviewapp.models import Heartbeat
from reviewapp.serving import health, pulse
from reviewapp.serving.pulse import Job, Pulse

pytestmark = pytest.mark.django_db

JOB = Job("worker", "reviewapp.serving.pulse.nothing", every=2.0, lost_after=6.0)


@pytest.fixture
def queued(monkeypatch):
    """What was put into the queue, and nothing carries it out."""
    entries = []
    monkeypatch.setattr(pulse, "async_task", lambda *entry: entries.append(entry))
    return entries


def finish():
    pulse.run(JOB.name, JOB.function)


def test_a_job_is_put_in_once_until_it_is_finished(queued):
    beats = Pulse((JOB,))
    assert [len(beats.beat(now)) for now in (0.0, 1.0, 2.0, 5.9)] == [1, 0, 0, 0]
    assert queued == [("reviewapp.serving.pulse.run", "worker", "reviewapp.serving.pulse.nothing")]


def test_a_finished_job_is_put_in_again_when_it_is_due(queued):
    beats = Pulse((JOB,))
    beats.beat(0.0)
    finish()
    assert [len(beats.beat(now)) for now in (1.0, 2.9, 3.0)] == [0, 0, 1]


def test_a_lost_entry_is_put_in_again(queued):
    beats = Pulse((JOB,))
    beats.beat(0.0)
    assert [len(beats.beat(now)) for now in (5.9, 6.0, 6.1)] == [0, 1, 0]


def test_the_mark_of_an_earlier_worker_is_not_taken_for_this_ones(queued):
    finish()
    beats = Pulse((JOB,))
    assert len(beats.beat(0.0)) == 1
    assert beats.beat(3.0) == []


def test_the_heartbeat_is_as_old_as_its_last_task():
    assert health.heartbeat_age() is None
    finish()
    assert 0 <= health.heartbeat_age() < 60
    Heartbeat.objects.update(beat_at=F("beat_at") - timedelta(minutes=5))
    assert health.heartbeat_age() > 290


def test_every_job_exists_and_may_run_twice():
    for _ in range(2):
        for job in pulse.JOBS:
            pulse.run(job.name, job.function)
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {job.name for job in pulse.JOBS}


def test_an_unknown_job_fails_loudly():
    with pytest.raises(LookupError):
        pulse.run("x", "reviewapp.serving.pulse.missing")


def test_old_failures_are_pruned():
    now = timezone.now()
    for days in (1, 8):
        Task.objects.create(
            id=str(days),
            name=str(days),
            func="f",
            started=now,
            stopped=now - timedelta(days=days),
            success=False,
        )
    pulse.prune_failures()
    assert list(Task.objects.values_list("id", flat=True)) == ["1"]
