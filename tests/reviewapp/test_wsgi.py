"""The door before Django: any body becomes one that Django can read, and none is longer than allowed."""

from __future__ import annotations

import io
import json

import pytest

from reviewapp import wsgi
from reviewapp.serving.admission import READERS
from reviewapp.wsgi import BodyDoor

LIMIT = 1000


class Application:
    """Keeps the body that reached it."""

    body: bytes | None = None

    def __call__(self, environ, start_response):
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [])
        return [b""]


class Dripping(io.BytesIO):
    """A network: never gives as much as asked for."""

    def read(self, size=-1):
        return super().read(min(size, 7))


class Torn:
    """A connection that its sender has left."""

    def read(self, size=-1):
        raise ConnectionResetError


def make_door():
    return BodyDoor(Application(), LIMIT, "policy")


def ask(environ, door=None):
    door, said = door or make_door(), []
    answer = door(environ, lambda status, headers: said.append((status, dict(headers))))
    return door.application.body, *said[0], b"".join(answer)


def chunked(body):
    return {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Dripping(body)}


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_a_chunked_body_arrives_whole(size):
    body, status, _, _ = ask(chunked(b"x" * size))
    assert (len(body), status) == (size, "200 OK")


def test_of_a_body_with_a_length_so_much_is_read_before_django():
    source = Dripping(b"x" * 100)
    assert ask({"CONTENT_LENGTH": "50", "wsgi.input": source})[0] == b"x" * 50
    assert source.tell() == 50


def test_a_body_that_breaks_off_never_reaches_django():
    body, status, _, answer = ask({"CONTENT_LENGTH": "50", "wsgi.input": Dripping(b"x" * 49)})
    assert body is None
    assert status.startswith("400")
    assert "ended before" in json.loads(answer)["detail"]


@pytest.mark.parametrize(
    "environ",
    [chunked(b"x" * (LIMIT + 1)), {"CONTENT_LENGTH": str(LIMIT + 1), "wsgi.input": io.BytesIO()}],
    ids=["chunked", "announced"],
)
def test_a_longer_body_is_refused_and_never_reaches_django(environ):
    body, status, headers, answer = ask(environ)
    assert body is None
    assert status.startswith("413")
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Security-Policy"] == "policy"
    assert json.loads(answer)["status"] == 413


@pytest.mark.parametrize("announced", [False, True])
def test_the_client_of_a_refused_body_is_heard_out_but_not_for_ever(monkeypatch, announced):
    monkeypatch.setattr(wsgi, "DROPPED_BYTES", 5 * LIMIT)
    for size, dropped in ((LIMIT * 3, LIMIT * 3), (LIMIT * 50, LIMIT * 5)):
        environ = chunked(b"x" * size) | ({"CONTENT_LENGTH": str(size)} if announced else {})
        assert ask(environ)[1].startswith("413")
        assert dropped <= environ["wsgi.input"].tell() <= dropped + LIMIT + 14


def test_a_reader_gives_its_place_back_whatever_came_of_the_body():
    door = make_door()
    for _ in range(READERS + 1):
        assert ask({"CONTENT_LENGTH": "1", "wsgi.input": io.BytesIO(b"x")}, door)[1].startswith("200")
        assert ask(chunked(b"x" * (LIMIT + 1)), door)[1].startswith("413")
        assert ask({"CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(b"x")}, door)[1].startswith("400")
        with pytest.raises(ConnectionResetError):
            ask({"CONTENT_LENGTH": "1", "wsgi.input": Torn()}, door)
