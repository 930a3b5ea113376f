"""`manage.py demo`: the demo project, sent to a running server; with --serve also the server."""

from __future__ import annotations

import fcntl
import http.client
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from evaluation.demo import deploys, golden, judging
from ingest.models import Project
from reviewapp.demo import comparing, hard_cases, larkfield, reviewing, sending
from reviewapp.demo.traffic import Plan

MANAGE = settings.BASE_DIR / "manage.py"
READY_SECONDS = 120


class Command(BaseCommand):
    help = (
        "Load the demo project through the HTTP endpoints: into the server at --url, or into one that is "
        "started for it when none runs on this data. Run again, it changes nothing."
    )
    requires_system_checks = []  # the tables may not be there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", help="where the server answers (default: http://HOST:PORT)")
        parser.add_argument("--serve", action="store_true", help="serve, load the demo, and go on serving")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data-dir", help="as for serve")
        parser.add_argument("--traces", type=int, default=larkfield.TRACES, help="how many traces to send")

    def handle(
        self, *args: Any, url: str | None, serve: bool, host: str, port: int, traces: int, **options: Any
    ) -> None:
        own = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
        if serve:
            serve_and_load(host, port, own, traces)
        elif url or server_runs():
            self.load(url or own, traces, shown=url or own)
        else:
            with temporary_server() as temporary:
                self.load(temporary, traces, shown=own)
            self.stderr.write("Serve it with: manage.py serve")

    def load(self, url: str, traces: int, shown: str) -> None:
        wait_until_ready(url)
        project, keys = larkfield.prepare()
        self.stderr.write(
            f"It fills while you look: {shown}/projects/{larkfield.SLUG}/traces "
            f"as {larkfield.LEAD}, password {keys.password}"
        )
        if not reviewing.has_begun(project):
            self.send(project, traces, url, keys.token)
        self.review(project, larkfield.plan_of(project, traces), url)
        larkfield.keep_secret(project)
        comparing.compare(project, larkfield.plan_of(project, traces), url)
        hard_cases.look_closer(project, larkfield.plan_of(project, traces), url)
        self.judge(project, larkfield.plan_of(project, traces))
        self.evaluate(project, url, keys.token)
        self.stdout.write(box(shown, keys))

    def send(self, project: Project, traces: int, url: str, token: str) -> None:
        began, bar = time.monotonic(), Bar("Sending traces", traces)
        try:
            sending.send(larkfield.plan_of(project, traces), url, token, bar.show)
        except sending.Refused as refusal:
            raise CommandError(
                f"{refusal}\nIs {url} the server of this database? Name it with --url."
            ) from None
        bar.end()
        self.stderr.write(f"{traces} traces in {time.monotonic() - began:.0f} s.")

    def review(self, project: Project, plan: Plan, url: str) -> None:
        if reviewing.has_begun(project):
            return
        waiting = Bar("Waiting for 30 quiet seconds", plan.traces)
        reviewing.wait_until_settled(project, lambda left: waiting.show(plan.traces - left))
        waiting.end()
        labelling = Bar("Reviewers at work", reviewing.LABELS)
        reviewing.review(project, plan, url, labelling.show)
        labelling.end()

    def judge(self, project: Project, plan: Plan) -> None:
        if not judging.exists(project):
            self.stderr.write("The judge judges ten weeks, is found to have moved, and is replaced.")
            judging.judge(project, plan)

    def evaluate(self, project: Project, url: str, token: str) -> None:
        client = sending.Client(url, token)
        golden.compose(project, client)
        reporting = Bar("CI reports its runs", sum(1 for _ in deploys.history()))
        for sent in deploys.report(project, client):
            reporting.show(sent)
        reporting.end()


def serve_and_load(host: str, port: int, url: str, traces: int) -> None:
    """This process becomes the server; a child loads the demo once it is ready, prints the box and ends."""
    command = [sys.executable, str(MANAGE), "demo", "--url", url, "--traces", str(traces)]
    loader = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        call_command("serve", host=host, port=port)
    finally:
        loader.terminate()
        loader.wait()


def server_runs() -> bool:
    """Whether `manage.py serve` holds its lock on this data directory."""
    path = settings.DATA_DIR / "run" / "serve.lock"
    if not path.exists():
        return False
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def temporary_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(MANAGE), "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_until_ready(url: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while not is_ready(url):
        if time.monotonic() > end:
            raise CommandError(f"No server is ready at {url}. Start one with: manage.py serve")
        time.sleep(0.1)


def is_ready(url: str) -> bool:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Bar:
    """Progress on stderr: a bar on a terminal, a few lines in a log."""

    WIDTH = 32

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.is_terminal = sys.stderr.isatty()
        self.quarter = 0

    def show(self, done: int) -> None:
        if self.is_terminal:
            filled = self.WIDTH * done // self.total
            sys.stderr.write(
                f"\r{self.title:<30}{'━' * filled}{'─' * (self.WIDTH - filled)}  {done}/{self.total}"
            )
            sys.stderr.flush()
        elif 4 * done // self.total > self.quarter:
            self.quarter = 4 * done // self.total
            sys.stderr.write(f"{self.title}: {done} of {self.total}.\n")

    def end(self) -> None:
        if self.is_terminal:
            sys.stderr.write("\n")


def box(url: str, keys: larkfield.Keys) -> str:
    others = ", ".join(larkfield.REVIEWERS)
    rows = (
        ("Open", f"{url}/projects/{larkfield.SLUG}/traces"),
        ("Sign in as", f"{larkfield.LEAD}  (admin; reviewers: {others})"),
        ("Password", f"{keys.password}  (the same for all)"),
        ("API token", keys.token),
    )
    width = max(len(text) for _, text in rows) + 14
    lines = [f"│ {name:<11}{text:<{width - 13}} │" for name, text in rows]
    return "\n".join(["╭" + "─" * width + "╮", *lines, "╰" + "─" * width + "╯"])
