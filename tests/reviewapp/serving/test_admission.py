"""So many requests run, so many wait, the rest are told when to come back; slow senders hold up nobody."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection, connections
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from reviewapp.serving import admission
from reviewapp.serving.admission import Admission
from reviewapp.wsgi import make_application


class Gate:
    """An application whose requests stay inside until the gate opens."""

    def __init__(self):
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)
        self.connections = set()

    def __call__(self, environ, start_response):
        self.connections.add(id(connections["default"]))
        self.inside.release()
        assert self.open.wait(60)
        start_response("200 OK", [("X-Asked", environ["asked"])])
        return HttpResponse(b"done")


def ask(door, asked, said):
    head = []
    body = b"".join(door({"asked": asked}, lambda *given: head.append(given)))
    said.append((head[0][0], dict(head[0][1]), body))


def test_so_many_run_so_many_wait_and_the_rest_hear_when_to_come_back():
    gate, said = Gate(), []
    door = Admission(gate, running=2, waiting=3, headers={"X-Policy": "p"})
    threads = [threading.Thread(target=ask, args=[door, str(number), said]) for number in range(5)]
    for thread in threads:
        thread.start()
    assert gate.inside.acquire(timeout=60)
    assert gate.inside.acquire(timeout=60)
    # The waiting ones have taken their places once none is left.
    while not door.places.tickets.empty():
        pass
    refused = []
    ask(door, "late", refused)
    status, headers, body = refused[0]
    assert status.startswith("503")
    assert (headers["Retry-After"], headers["X-Policy"]) == ("1", "p")
    assert json.loads(body)["status"] == 503
    assert not gate.inside.acquire(timeout=0.05)
    gate.open.set()
    for thread in threads:
        thread.join(60)
    assert sorted(headers["X-Asked"] for _, headers, _ in said) == ["0", "1", "2", "3", "4"]
    assert {body for *_, body in said} == {b"done"}
    assert len(gate.connections) == 2
    ask(door, "again", said)
    assert said[-1][0] == "200 OK"


def test_a_failing_application_gives_its_place_back():
    def broken(environ, start_response):
        raise RuntimeError("no")

    door = Admission(broken, running=1, waiting=0, headers={})
    for _ in range(3):
        with pytest.raises(RuntimeError):
            door({}, None)


def streamer(environ, start_response):
    start_response("200 OK", [])
    return StreamingHttpResponse(iter([b"one", b"two"]))


def test_so_many_long_answers_are_sent_at_once_and_each_gives_its_place_back():
    door = Admission(streamer, running=1, waiting=0, headers={}, streaming=2)

    def begin():
        head = []
        return door({}, lambda *given: head.append(given)), head

    def play():
        (first, _), (second, _), (refused, said) = begin(), begin(), begin()
        statuses = [said[0][0][:3]]
        assert json.loads(b"".join(refused))["status"] == 503
        assert list(first) == [b"one", b"two"]
        again, said = begin()
        statuses.append(said[0][0][:3])
        # Neither of these was read at all; closing twice gives back one place.
        second.close(), second.close(), again.close()
        rest = [begin()[1][0][0][:3] for _ in range(3)]
        return statuses + rest

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(play).result() == ["503", "200", "200", "200", "503"]


def test_files_are_no_long_answers(tmp_path):
    (tmp_path / "a.css").write_text("a{}")

    def application(environ, start_response):
        start_response("200 OK", [])
        return FileResponse((tmp_path / "a.css").open("rb"))

    def play():
        door = Admission(application, running=1, waiting=0, headers={}, streaming=1)
        bodies = [door({}, lambda *_: None) for _ in range(3)]
        return [b"".join(body) for body in bodies]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(play).result() == [b"a{}"] * 3


def test_a_long_answer_is_handed_on_piece_by_piece_and_closed():
    closed = []
    response = StreamingHttpResponse(iter([b"one", b"two"]))
    response._resource_closers.append(lambda: closed.append(True))

    def application(environ, start_response):
        start_response("200 OK", [])
        return response

    def consume():
        pieces = iter(Admission(application, running=1, waiting=0, headers={})({}, lambda *_: None))
        first, closed_early = next(pieces), bool(closed)
        return first, closed_early, list(pieces)

    # In a thread of its own, as it has a database connection of its own to give back.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(consume).result() == (b"one", False, [b"two"])
    assert closed == [True]


def test_fifty_who_send_while_nothing_is_answered_are_all_served():
    gate, said = Gate(), []
    door = Admission(gate, admission.RUNNING, admission.WAITING, headers={})
    threads = [threading.Thread(target=ask, args=[door, str(number), said]) for number in range(50)]
    for thread in threads:
        thread.start()
    for _ in range(admission.RUNNING):
        assert gate.inside.acquire(timeout=60)
    gate.open.set()
    for thread in threads:
        thread.join(60)
    assert [status for status, *_ in said] == ["200 OK"] * 50


@pytest.mark.server
def test_many_slow_senders_hold_up_nobody(server):
    slow = []
    try:
        for _ in range(2 * admission.THREADS + 10):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
            )
            slow.append(connection)
        assert all(server.get("/readyz", timeout=30) == 200 for _ in range(10))
    finally:
        for connection in slow:
            connection.close()


def test_who_waits_is_served_in_order_and_a_thread_has_its_own_connection_again():
    gate, said, order = Gate(), [], []
    own = connections["default"]

    def noting(environ, start_response):
        assert connections["default"] is not own
        order.append(environ["asked"])
        return gate(environ, start_response)

    door = Admission(noting, running=1, waiting=9, headers={})
    threads = [threading.Thread(target=ask, args=[door, str(number), said]) for number in range(6)]
    for number, thread in enumerate(threads):
        thread.start()
        # One is inside, and each of the others has its place in the row before the next one comes.
        end = time.monotonic() + 60
        while len(door.turns.free) + len(door.turns.waiting) != number:
            assert time.monotonic() < end
            time.sleep(0.001)
        if number == 0:
            assert gate.inside.acquire(timeout=60)
    gate.open.set()
    for thread in threads:
        thread.join(60)
    assert order == ["0", "1", "2", "3", "4", "5"]
    ask(door, "mine", said)
    assert connections["default"] is own


@pytest.mark.django_db
def test_a_connection_that_the_database_has_closed_is_made_anew():
    pids = []

    def asking(environ, start_response):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.extend(cursor.fetchone())
        start_response("200 OK", [])
        return HttpResponse(b"done")

    door = Admission(asking, running=1, waiting=0, headers={})
    try:
        for asked in ("first", "second"):
            ask(door, asked, [])
        assert pids[0] == pids[1]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pids[0]])
        ask(door, "third", [])
        assert pids[2] != pids[0]
    finally:
        door.turns.free[0].connection.close()


@pytest.mark.django_db
def test_a_connection_that_a_request_has_left_in_a_transaction_is_not_passed_on():
    kept = []

    def leaving(environ, start_response):
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        kept.append(connection.connection)
        start_response("200 OK", [])
        return HttpResponse(b"done")

    door = Admission(leaving, running=1, waiting=0, headers={})
    ask(door, "first", [])
    assert kept[0].closed
    assert door.turns.free[0].connection.connection is None


def test_nothing_looks_through_connections_before_and_after_each_request():
    make_application()
    assert request_started.has_listeners() is False
    assert request_finished.has_listeners() is False
