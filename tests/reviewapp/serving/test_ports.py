"""A port that a killed server's processes still hold is waited for; a stranger's is refused at once."""

import socket
from threading import Timer

import pytest

from reviewapp.serving import supervisor


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


def test_a_port_that_becomes_free_is_waited_for(taken):
    port = taken.getsockname()[1]
    Timer(0.3, taken.close).start()
    supervisor.refuse_taken_port("127.0.0.1", port, patience=60)


def test_a_strangers_port_is_refused_at_once(taken, monkeypatch):
    monkeypatch.setattr(supervisor.time, "sleep", lambda _: pytest.fail("it waited"))
    with pytest.raises(supervisor.CannotServe, match="Choose another --port"):
        supervisor.refuse_taken_port("127.0.0.1", taken.getsockname()[1])
