"""The worker's queue gives each package to one, in order, and outlives its connection."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django_q.brokers import get_broker
from django_q.models import OrmQ

from reviewapp.serving import broker as broker_module
from reviewapp.serving.broker import Broker


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(broker_module, "POLL_SECONDS", 0.0)
    made = get_broker()
    assert isinstance(made, Broker)
    return made


def given(broker):
    return [package for _, package in broker.dequeue()]


@pytest.mark.django_db
def test_packages_come_once_in_the_order_in_which_they_were_put_in(broker):
    for package in ("first", "second"):
        broker.enqueue(package)
    assert [given(broker), given(broker), given(broker)] == [["first"], ["second"], []]


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time_though_the_plan_is_of_when_there_was_none(broker):
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE django_q_ormq")
        cursor.execute("ANALYZE django_q_ormq")
    for _ in range(20):
        assert given(broker) == []
    for number in range(10):
        broker.enqueue(str(number))
    assert [given(broker) for _ in range(4)] == [["0"], ["1"], ["2"], ["3"]]


@pytest.mark.django_db
def test_one_that_is_not_heard_of_comes_again_and_one_that_is_done_never(broker):
    for package in ("lost", "done"):
        broker.enqueue(package)
    (lost, _), (done, _) = broker.dequeue()[0], broker.dequeue()[0]
    broker.acknowledge(done)
    OrmQ.objects.update(lock=F("lock") - timedelta(seconds=broker_module.LOST_SECONDS + 1))
    assert broker.dequeue() == [(lost, "lost")]
    assert broker.dequeue() == []


@pytest.mark.django_db
def test_each_takes_one_statement(broker):
    with CaptureQueriesContext(connection) as asked:
        entry = broker.enqueue("package")
        broker.dequeue()
        broker.acknowledge(entry)
    assert [query["sql"].split()[0] for query in asked] == ["INSERT", "UPDATE", "DELETE"]


@pytest.mark.django_db(transaction=True)
def test_what_another_has_locked_is_passed_over(broker):
    broker.enqueue("first")
    broker.enqueue("second")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM django_q_ormq WHERE payload = 'first' FOR UPDATE")
        assert given(broker) == ["second"]
    assert given(broker) == ["first"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_is_opened_anew(broker):
    broker.enqueue("package")
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    assert given(broker) == ["package"]


@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_says_so(broker, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    with pytest.raises(OperationalError, match="connection"):
        broker.dequeue()
    connection.close()
