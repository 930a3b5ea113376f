"""Reads stored bytes slice by slice, so that a long body is never whole in memory.

A response is sent after its request has given back the database connection, by the thread that sends. A few
connections of their own serve the slices of all who download in this process: a slow client holds none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from typing import Any

from django.db import connection
from psycopg import Cursor

SLICE = 512 * 1024
# What is smaller is read at once, by the request itself.
AT_ONCE = 1024 * 1024
READERS = 2
MOST_BYTES = 2**30
_SQL = "SELECT substring(content FROM %s FOR %s) FROM evaluation_versionbody WHERE id = %s"


class Gone(Exception):
    """The bytes were withdrawn while they were being read: the client sees a body that breaks off."""


class _Readers:
    """At most READERS connections for each process, made when needed and kept."""

    def __init__(self) -> None:
        self._places = BoundedSemaphore(READERS)
        self._idle: LifoQueue[Any] = LifoQueue()
        self._process = os.getpid()

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Any]:
        with self._places:
            reader = self._take()
            try:
                yield reader
            except BaseException:
                reader.close()
                raise
            self._idle.put(reader)

    def _take(self) -> Any:
        try:
            while True:
                reader = self._idle.get_nowait()
                if not reader.closed:
                    return reader
        except Empty:
            parameters = connection.get_connection_params()
            reader = connection.get_new_connection(parameters)
            reader.autocommit = True
            return reader


_readers = _Readers()


def whole(body_pk: int) -> bytes:
    return between(body_pk, 0, None)


def between(body_pk: int, start: int, length: int | None) -> bytes:
    """With the request's own connection. Raises Gone."""
    connection.ensure_connection()
    return _read(connection.connection, body_pk, start, MOST_BYTES - start if length is None else length)


def stream(body_pk: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` up to `end`, in slices."""
    while start < end:
        length = min(SLICE, end - start)
        yield _slice(body_pk, start, length)
        start += length


def _slice(body_pk: int, start: int, length: int) -> bytes:
    global _readers
    if _readers._process != os.getpid():
        _readers = _Readers()
    with _readers.borrowed() as reader:
        return _read(reader, body_pk, start, length)


def _read(source: Any, body_pk: int, start: int, length: int) -> bytes:
    """Binary, which the cursors that Django makes do not know: as text it would be twice the bytes."""
    with Cursor(source) as cursor:
        row = cursor.execute(_SQL, [start + 1, length, body_pk], binary=True).fetchone()
    if row is None or row[0] is None:
        raise Gone
    return bytes(row[0])
