"""One command: says when it is ready, refuses clearly, takes what exporters send, ends without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import zlib

import psycopg
import pytest

from reviewapp.serving import postgres, processes
from reviewapp.serving.postgres import Server as Postgres
from tests.ingest.otlp import Span, traces_body
from tests.servers import ENDED_SECONDS, Server, data_directory, started_before

pytestmark = pytest.mark.server

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture(scope="module", autouse=True)
def idle_workers_killed(server):
    """A cluster of django-q stands still for ever after this; it is looked at last."""
    main, members = server.pid("worker"), []
    while len(members) < 6:
        members = sorted(process.pid for process in processes.living() if process.group == main)
        time.sleep(0.1)
    time.sleep(0.5)
    processes.kill(members[2:])
    return time.monotonic()


@pytest.fixture(scope="module")
def token(server):
    server.manage("create_project", "chunks")
    return server.manage("create_token", "chunks", "exporter", "--scope", "ingest")


def chunked(server, path, body, *headers, piece=7000):
    """The status, headers and body of a raw chunked POST: http.client would hide the framing."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            "Transfer-Encoding: chunked",
            "Connection: close",
            *headers,
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            for start in range(0, len(body), piece):
                part = body[start : start + piece]
                connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            connection.sendall(b"0\r\n\r\n")
        except ConnectionError:
            pass  # refused before the end
        answer = b""
        while received := connection.recv(65536):
            answer += received
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field.lower().split(": ", 1) for field in fields), content


def span_ids(server, trace_id):
    place = Postgres(server.data_dir).place
    with psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE
    ) as connection:
        query = (
            "SELECT span_id FROM ingest_span s JOIN ingest_trace t ON t.id = s.trace_id WHERE t.trace_id = %s"
        )
        return {span for (span,) in connection.execute(query, [trace_id])}


@pytest.fixture
def own():
    """A server that was never started."""
    with data_directory() as directory:
        yield Server(directory)


def test_a_start_says_ready_writes_pids_and_ends_without_a_trace(own):
    own.start()
    assert own.said == [f"ready {own.url}"]
    pids = {name: own.pid(name) for name in ("postgres", "web", "worker")}
    assert all(processes.find(pid) for pid in pids.values())
    assert own.manage("doctor").count("FAIL") == 0
    ours = [process.pid for process in processes.living() if process.group in pids.values()]
    assert own.stop() < ENDED_SECONDS
    assert own.process.returncode == 0
    assert not [pid for pid in [*ours, *pids.values()] if processes.find(pid)]
    assert not processes.servers_in(Postgres(own.data_dir).place.data)
    assert own.said == [f"ready {own.url}"]


def test_sigint_ends_a_server_without_worker():
    with started_before("--no-worker") as own:
        own.start()
        assert own.get("/readyz") == 200
        assert not (own.data_dir / "run" / "worker.pid").exists()
        os.kill(own.process.pid, signal.SIGINT)
        assert own.process.wait(ENDED_SECONDS) == 0
        own.process.stdout.close()


def test_commands_bring_the_database_along_and_the_last_takes_it_away():
    with started_before() as idle:
        both = [
            subprocess.Popen(
                idle.command("create_project", name), env=idle.environment, stderr=subprocess.PIPE, text=True
            )
            for name in ("one", "two")
        ]
        said = [process.communicate(timeout=300)[1] for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert Postgres(idle.data_dir).pid() is None


def test_a_command_before_the_first_start_says_what_to_do():
    with data_directory() as empty:
        server = Server(empty)
        done = subprocess.run(
            server.command("create_project", "one"), env=server.environment, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert "no tables yet" in done.stderr and "Traceback" not in done.stderr


def test_a_second_server_on_the_same_data_is_refused(server):
    second = Server(server.data_dir)
    second.log = server.data_dir / "second.log"
    assert second.launch().wait(300) == 1
    second.process.stdout.close()
    assert "already runs" in second.log.read_text()
    assert server.get("/readyz") == 200


def test_a_port_that_a_stranger_uses_is_refused(tmp_path):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        server = Server(tmp_path, port=stranger.getsockname()[1])
        assert server.launch().wait(300) == 1
        server.process.stdout.close()
    assert f"Cannot listen on 127.0.0.1:{server.port}" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_chunked_body_is_stored(server, token, zipped):
    trace = ("ab" if zipped else "cd") * 16
    body = traces_body([Span(trace, f"{n + 1:016x}", attributes={"text": "x" * 500}) for n in range(100)])
    headers = [f"Authorization: Bearer {token}", "Content-Type: application/x-protobuf"]
    if zipped:
        packer = zlib.compressobj(wbits=31)
        body = packer.compress(body) + packer.flush()
        headers.append("Content-Encoding: gzip")
    assert chunked(server, "/v1/traces", body, *headers, piece=101)[0] == 200
    assert len(span_ids(server, trace)) == 100


def test_a_body_over_the_limit_is_refused_with_a_problem(server, token):
    headers = [f"Authorization: Bearer {token}", "Content-Type: application/x-protobuf"]
    status, fields, content = chunked(server, "/v1/traces", bytes(9 * 1024 * 1024), *headers, piece=1 << 20)
    assert (status, fields["content-type"]) == (413, "application/problem+json")
    assert json.loads(content)["status"] == 413
    assert set(fields["content-security-policy"].split("; ")) == {rule.lower() for rule in POLICY}


def test_a_body_cut_off_in_the_middle_harms_nothing(server, token):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nxx"
        )
    assert server.get("/readyz") == 200


def test_a_worker_that_stands_still_is_started_again(server, idle_workers_killed):
    place = Postgres(server.data_dir).place
    with psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    ) as connection:
        query = "SELECT extract(epoch FROM clock_timestamp() - beat_at) FROM reviewapp_heartbeat"
        # What is younger in the first seconds is the heartbeat from before.
        while (
            time.monotonic() - idle_workers_killed < 5
            or connection.execute(f"{query} WHERE name = 'worker'").fetchone()[0] > 3
        ):
            assert time.monotonic() - idle_workers_killed < 300
            time.sleep(0.1)
    server.wait_ready(120)
