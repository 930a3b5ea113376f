"""The server under test: the real `manage.py serve` on data of its own, with a project and a token."""

from __future__ import annotations

import contextlib
import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import clients, processes
from reviewapp.serving import postgres, postgres_place
from tests import servers

SLUG, USER, PASSWORD = "bench", "bench", "otter-kelp-lantern-42"


@dataclass
class Installation:
    server: servers.Server
    token: str

    @property
    def run(self) -> Path:
        return self.server.data_dir / "run"

    def database(self) -> psycopg.Connection:
        place = postgres_place.locate(self.server.data_dir)
        return psycopg.connect(
            host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
        )

    def count(self, table: str, where: str = "true") -> int:
        with self.database() as connection:
            row = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
            assert row
            return int(row[0])

    def wait_until_none(self, where: str, seconds: float) -> int:
        """Wait for the worker to leave no such trace; how many there were when the time was over."""
        end = time.monotonic() + seconds
        while (left := self.count("ingest_trace", where)) and time.monotonic() < end:
            time.sleep(0.5)
        return left

    def web_and_database(self) -> float:
        return processes.cpu_seconds(processes.of_server(self.run, "web", "postgres"))

    def web_memory(self) -> float:
        """Megabytes of the largest web process."""
        return max(processes.rollup(pid, "Rss") for pid in processes.of_server(self.run, "web"))

    def signed_in(self) -> clients.Connection:
        """A connection that carries the cookie of a person who has signed in, for the pages."""
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        address = f"{self.server.url}/accounts/login/"
        page = opener.open(address).read().decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, "the login page has no form"
        fields = {"csrfmiddlewaretoken": found[1], "login": USER, "password": PASSWORD}
        opener.open(address, urllib.parse.urlencode(fields).encode())
        cookies = {cookie.name: cookie.value for cookie in jar}
        assert "sessionid" in cookies, "signing in failed"
        return clients.Connection(self.server.url, cookie=f"sessionid={cookies['sessionid']}")


@contextlib.contextmanager
def installed(**environment: str) -> Iterator[Installation]:
    with servers.serving(**environment) as server:
        server.manage("create_project", SLUG)
        server.manage("create_user", USER, "--project", SLUG, "--role", "admin", "--password", PASSWORD)
        scopes = ["--scope", "ingest", "--scope", "traces:read"]
        yield Installation(server, server.manage("create_token", SLUG, "bench", *scopes))
