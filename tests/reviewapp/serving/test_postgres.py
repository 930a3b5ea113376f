"""The embedded server comes up whatever an earlier one left behind."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest

from reviewapp.serving import postgres, processes
from reviewapp.serving.postgres import Server, borrowed
from tests.servers import data_directory


@pytest.fixture(scope="module")
def data_dir():
    with data_directory() as directory:
        yield directory


def ask(server, query, user=postgres.DATABASE):
    with psycopg.connect(host=str(server.place.socket), dbname=postgres.DATABASE, user=user) as connection:
        return connection.execute(query).fetchone()[0]


def test_it_keeps_what_it_promises(data_dir):
    with borrowed(data_dir) as server:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ask(server, f"SHOW {name}") == "on"
        assert ask(server, "SHOW listen_addresses") == ""
        assert ask(server, "SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert ask(server, "SELECT lower('ÄÉ')") == "äé"
        assert (
            ask(server, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'peer'", "postgres") == 0
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_stranger_on_this_machine_is_not_let_in(data_dir):
    with borrowed(data_dir) as server:
        program = ["/usr/bin/python3", "-c", "import socket,sys; socket.socket(1).connect(sys.argv[1])"]
        path = server.place.socket / ".s.PGSQL.5432"
        tried = subprocess.run(
            [*program, path],
            user=12345,
            group=12345,
            extra_groups=[],
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert "PermissionError" in tried.stderr


def test_the_last_borrower_stops_it(data_dir):
    with borrowed(data_dir) as first:
        with borrowed(data_dir) as second:
            assert second.pid() == first.pid()
        assert first.answers()
        pid = first.pid()
    assert processes.find(pid) is None


def test_it_is_found_dead_by_asking_and_started_again(data_dir):
    with borrowed(data_dir) as server:
        assert not server.ensure()
        processes.kill([server.pid()])
        assert server.ensure()
        assert server.answers()


def test_a_pid_file_that_names_a_stranger_does_not_stop_it(data_dir):
    with borrowed(data_dir):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        place = Server(data_dir).place
        lock = place.data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{place.data}\n1\n5432\n/nowhere\n\n  1 1\nready   \n")
        os.chown(lock, place.account.uid, place.account.gid)
        with borrowed(data_dir) as server:
            assert server.answers()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_first_start_that_was_killed_leaves_nothing_half_made():
    with data_directory() as fresh:
        server = Server(fresh)
        half = server.place.home / "data.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("16\n")
        os.chown(server.place.home, server.place.account.uid, server.place.account.gid)
        with borrowed(fresh) as started:
            assert started.answers()
        assert not half.exists()
