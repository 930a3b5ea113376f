"""The worker's queue in django-q's own table, in one statement for each of what is done there.

The broker that comes with django-q asks before each statement whether the connection still holds, reads an
entry before it locks it and opens a transaction to delete it: ten statements a job and several jobs a second,
day and night. Here a connection that was cut is opened anew when that shows.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from ingest import prepared

# An entry is thought lost after so long; without one the queue is looked at again after so long.
LOST_SECONDS, POLL_SECONDS = cast(float, Conf.RETRY), cast(float, Conf.POLL)

ENQUEUE = "INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, %s) RETURNING id"
# Who comes at the same time takes the next ones. They are chosen once, as an array: for each row of a table
# thought to be empty PostgreSQL would choose again, and take all there are.
DEQUEUE = """
    UPDATE django_q_ormq SET lock = %s WHERE id = ANY (ARRAY(
        SELECT id FROM django_q_ormq WHERE key = %s AND lock < %s
        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )) RETURNING id, payload
"""
DELETE = "DELETE FROM django_q_ormq WHERE id = %s RETURNING id"


class Broker(ORM):
    @staticmethod
    def get_connection(list_key: str | None = None) -> Any:
        return OrmQ.objects.using(DEFAULT_DB_ALIAS)

    def enqueue(self, task: str) -> int:
        """Returns the entry's id."""
        ((entry,),) = _rows(ENQUEUE, [self.list_key, task, timezone.now()])
        return int(entry)

    def dequeue(self) -> list[tuple[Any, ...]]:
        """Ids and packages of the first entries. One that is not deleted comes again when thought lost."""
        now = timezone.now()
        until = now + timedelta(seconds=LOST_SECONDS)
        found = _rows(DEQUEUE, [until, self.list_key, now, Conf.BULK])
        if not found:
            time.sleep(POLL_SECONDS)
        return found

    def delete(self, task_id: int) -> None:
        _rows(DELETE, [task_id])


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    """Once more on a new connection where the old one was cut, which shows at its next use only.

    A package that is then put in twice, or given out and not heard of, does no harm: see `pulse`.
    """
    database = connections[DEFAULT_DB_ALIAS]
    try:
        return prepared.every(statement, values)
    except (InterfaceError, OperationalError):
        if database.in_atomic_block:
            raise
        database.close()
    return prepared.every(statement, values)
