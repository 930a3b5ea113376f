"""How much work is accepted at once? A few requests run, some wait, the rest are told when to retry.

Bodies are read by many threads, so that slow senders hold up nobody. A few of them at a time run the
application, each with one of the few database connections: more would only take turns at one processor.
"""

from __future__ import annotations

import json
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

import psycopg
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    close_old_connections,
    connections,
    reset_queries,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import FileResponse, HttpResponseBase

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
# Status and headers, and the body.
Answer = tuple[tuple[str, list[tuple[str, str]]], Iterable[bytes]]

RETRY_AFTER_SECONDS = 1
# Fifty who send something in the same moment, after a pause of the database's, are all served.
RUNNING = 4
WAITING = 56
# This many may read bodies; the other threads wait for an answer, or answer requests without a body.
READERS = 40
THREADS = RUNNING + WAITING + READERS + 4
# Long answers (exports) are made by the threads that send them, beside the running requests: this many.
STREAMING = 2
# No request is worth a statement that takes longer; without it one question can hold the database for hours.
STATEMENT_SECONDS = 20
# A kept plan (ingest.prepared, foreign keys) that reads a small table from end to end would go on doing so
# while that grows, until the database's own statistics come by a minute later.
PLANS_SECONDS = 30.0


class Places:
    """For so many at a time, each with a ticket: a semaphore would keep its books in Python each time."""

    def __init__(self, number: int) -> None:
        self.tickets: SimpleQueue[None] = SimpleQueue()
        for _ in range(number):
            self.tickets.put(None)

    def take(self) -> bool:
        """Whether there was one left."""
        try:
            self.tickets.get_nowait()
        except Empty:
            return False
        return True

    def give_back(self) -> None:
        self.tickets.put(None)


class Admission:
    """At most `running` requests at work and `waiting` behind them; the others are answered 503."""

    def __init__(
        self,
        application: Application,
        running: int,
        waiting: int,
        headers: dict[str, str],
        streaming: int = STREAMING,
    ) -> None:
        self.application = application
        self.headers = headers
        self.places = Places(running + waiting)
        self.streams = Places(streaming)
        self.turns = Turns(running)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not self.places.take():
            return self._refuse_more(start_response)
        try:
            head, body = self.turns.run(self._run, environ)
        finally:
            self.places.give_back()
        if isinstance(body, FileResponse):
            # A file costs next to nothing, and a page asks for many at once.
            body = Stream(body)
        elif isinstance(body, HttpResponseBase):
            if not self.streams.take():
                body.close()
                return self._refuse_more(start_response)
            body = Stream(body, self.streams)
        start_response(*head)
        return body

    def _run(self, environ: Environ) -> Answer:
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def keep_head(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            head.append((status, headers))

        body = self.application(environ, keep_head)
        if not isinstance(body, HttpResponseBase) or body.streaming:
            return head[0], body
        whole = b"".join(body)
        # Ends the request while it has its database connection.
        body.close()
        return head[0], [whole]

    def _refuse_more(self, start_response: StartResponse) -> list[bytes]:
        detail = "The server is at capacity. Send the request again."
        return refuse(start_response, HTTPStatus.SERVICE_UNAVAILABLE, detail, self.headers)


def refuse(
    start_response: StartResponse, status: HTTPStatus, detail: str, headers: Mapping[str, str]
) -> list[bytes]:
    """Problem details from before Django; 503 says when to come again."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = json.dumps(problem).encode()
    given = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), **headers}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        given["Retry-After"] = str(RETRY_AFTER_SECONDS)
    start_response(f"{status.value} {status.phrase}", list(given.items()))
    return [body]


@dataclass(slots=True)
class Lent:
    """A database connection, and until when the plans kept in it are good, by the monotonic clock."""

    connection: BaseDatabaseWrapper
    planned_until: float = 0.0


class Turns:
    """So many requests at a time, each with a database connection that it takes over and passes on.

    Who waits is served in order. The connection used last is taken first: what it has at hand is still warm.
    """

    def __init__(self, number: int) -> None:
        self.lock = Lock()
        # They connect when they are first used, thus after the web process was forked.
        self.free = [Lent(_connection()) for _ in range(number)]
        self.waiting: deque[SimpleQueue[Lent]] = deque()

    def run(self, work: Callable[[Environ], Answer], environ: Environ) -> Answer:
        """The connection is this thread's meanwhile; then the thread has again what it had before."""
        own = connections[DEFAULT_DB_ALIAS]
        lent = self._take()
        try:
            connections[DEFAULT_DB_ALIAS] = lent.connection
            _look_after(lent)
            return work(environ)
        finally:
            connections[DEFAULT_DB_ALIAS] = own
            # After an error that broke it, or when a request has left it within a transaction.
            lent.connection.close_if_unusable_or_obsolete()
            self._pass_on(lent)

    def _take(self) -> Lent:
        with self.lock:
            if self.free:
                return self.free.pop()
            turn: SimpleQueue[Lent] = SimpleQueue()
            self.waiting.append(turn)
        return turn.get()

    def _pass_on(self, lent: Lent) -> None:
        with self.lock:
            if self.waiting:
                self.waiting.popleft().put(lent)
            else:
                self.free.append(lent)


def _connection() -> BaseDatabaseWrapper:
    """For requests alone: migrations and the worker take the time they need.

    Left to choose, PostgreSQL plans some of the prepared statements anew each time, which takes it about as
    long as to carry them out, and comes to the same plan.
    """
    made: BaseDatabaseWrapper = connections.create_connection(DEFAULT_DB_ALIAS)
    given = made.settings_dict
    options = given["OPTIONS"]
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c plan_cache_mode=force_generic_plan"
    limited = f"{options.get('options', '')} {limits}".strip()
    made.settings_dict = {
        **given,
        "OPTIONS": {**options, "options": limited},
        "CONN_HEALTH_CHECKS": False,
    }
    # Many threads use it, though never two at a time.
    made.inc_thread_sharing()
    return made


def _look_after(lent: Lent) -> None:
    """Let go of one that the database has closed, and of plans made when the tables were smaller."""
    kept = lent.connection.connection
    if kept is None:
        return
    if _has_hung_up(kept):
        lent.connection.close()
    elif time.monotonic() > lent.planned_until:
        lent.planned_until = time.monotonic() + PLANS_SECONDS
        try:
            with lent.connection.cursor() as cursor:
                cursor.execute("DISCARD PLANS")
        except DatabaseError:
            lent.connection.close()


def leave_connections_to_turns() -> None:
    """Django looks through all connections and caches of a thread before and after each request. Those of
    requests are looked after above, streams close their own, and no cache here has anything to close.

    Which URLs are served is set at the beginning of each request, so that it need not be unset at its end.
    """
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
    for at_the_end in (close_old_connections, close_caches, reset_urlconf):
        request_finished.disconnect(at_the_end)


def _has_hung_up(kept: psycopg.Connection) -> bool:
    """A database that has ended has closed the socket: no need to ask it something before each request."""
    try:
        heard = select.poll()
        heard.register(kept.fileno(), select.POLLIN)
        return bool(heard.poll(0))
    except psycopg.Error:
        return True


class Stream:
    """A long answer, sent by the thread that sends. It gives back its place and the connection it may have
    opened when it is through or closed, also by a server that never began to read it."""

    def __init__(self, response: HttpResponseBase, places: Places | None = None) -> None:
        self.response = response
        self.pieces = iter(response)
        self.places = places
        self.is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            try:
                self.response.close()
                connections.close_all()
            finally:
                if self.places:
                    self.places.give_back()
