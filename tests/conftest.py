"""What tests share: the database, people with their roles, tokens, a browser, and the real server."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import expect
from xdist.scheduler import LoadScopeScheduling

from ingest import tokens
from ingest.models import Project, Scope
from reviewapp.models import Membership, Role, User
from reviewapp.serving import postgres, static_files
from tests import servers

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# A browser on a machine that others share may stand still for longer than anyone waits: what was waited for
# and did not come is tried once more, and the summary says so. What came and was wrong is not, nor is any
# other kind of test.
ONCE_MORE = pytest.mark.flaky(
    reruns=1, only_rerun=["TimeoutError", "AssertionError: (Locator|Page) expected"]
)


LOGGED = 8000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the long forms of the tests that have one")


# How many objects are made between two looks for garbage in cycles, and how seldom a look goes further back.
# As Python has it (700, 10, 10), a quarter of the suite's time is looking.
LOOKS = (50_000, 20, 20)


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is read: Hypothesis tries the same examples at each run, but for the long forms,
    and takes its time."""
    gc.set_threshold(*LOOKS)
    hypothesis.settings.register_profile(
        "suite",
        derandomize=not config.getoption("--full"),
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end, and is not looked through for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def is_full(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--full"))


def pytest_sessionstart() -> None:
    """Before any test module is read: some import the application, which lists the static files."""
    static_files.collect()


# A turn of each of these jobs ends after some seconds.
TURNS = (
    "ingest.tasks",
    "reviewapp.review.queues",
    "reviewapp.review.snapshots",
    "evaluation.judges.tasks",
    "evaluation.ranking.refit",
    "evaluation.retention.pruning",
    "evaluation.runs.judging",
)


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """However slow a machine is, what tests do in one turn is done in one turn."""
    with pytest.MonkeyPatch.context() as patch:
        for module in TURNS:
            patch.setattr(f"{module}.TURN_SECONDS", 300.0)
        patch.setattr("reviewapp.traces.explorer.CHART_MILLISECONDS", 60_000)
        yield


# What takes longest in the browser begins first: begun last, it would run alone for minutes.
LONGEST = (
    "tests/reviewapp/screen/test_review_browser.py",
    "tests/evaluation/test_pages_browser.py",
    "tests/reviewapp/traces/test_traces_browser.py",
    "tests/reviewapp/serving/test_review_page_faults.py",
    "tests/reviewapp/test_access_pages.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright leaves an event loop behind, in which Django refuses to query."""
    items.sort(key=_turn)
    for item in items:
        if _is_browser_test(item):
            item.add_marker(ONCE_MORE)


def _turn(item: pytest.Item) -> tuple[bool, int]:
    module = item.nodeid.partition("::")[0]
    place = LONGEST.index(module) if module in LONGEST else len(LONGEST)
    return _is_browser_test(item), place


def _is_browser_test(item: pytest.Item) -> bool:
    return "browser_name" in getattr(item, "fixturenames", ())


class ByModule(LoadScopeScheduling):
    """Side by side, the tests of a module stay together in one process, as they share what it starts.

    Those in the browser are another group: see `pytest_collection_modifyitems`. The name of the browser is
    one of their parameters.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        return f"{module} in browser" if "chromium" in test.partition("[")[2] else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """In place of pytest-xdist's own groups, told by node ids that pytest no longer takes from it."""
    return ByModule(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """The embedded PostgreSQL runs for as long as the tests need it."""
    if not settings.EMBEDDED:
        yield
        return
    with postgres.borrowed(settings.DATA_DIR):
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """The test database for whoever asks. The plugin's own looks at the tests' marks alone, and leaves those
    that commit by themselves with the developer's database when they are run alone."""
    with django_db_blocker.unblock():
        made = setup_databases(0, interactive=False, keepdb=django_db_keepdb and not django_db_createdb)
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@dataclass(frozen=True)
class Person:
    """A user, and the browser in which this user is signed in."""

    user: User
    client: Client


def person(name: str, project: Project | None = None, role: Role | None = None) -> Person:
    user = User.objects.create_user(username=name, password="correct horse battery staple")
    if project and role:
        Membership.objects.create(project=project, user=user, role=role)
    client = Client()
    client.force_login(user)
    return Person(user, client)


@pytest.fixture
def project(db: None) -> Project:
    """What is drawn by chance is drawn by its secret: the same at each run."""
    return Project.objects.create(slug="refunds", name="Refunds", secret=b"refunds!" * 4)


@pytest.fixture
def other_project(db: None) -> Project:
    return Project.objects.create(slug="elsewhere", name="Elsewhere", secret=b"elsewher" * 4)


@pytest.fixture
def owner(project: Project) -> Person:
    return person("ada", project, Role.ADMIN)


@pytest.fixture
def lead(project: Project) -> Person:
    return person("leo", project, Role.LEAD)


@pytest.fixture
def reviewer(project: Project) -> Person:
    return person("rita", project, Role.REVIEWER)


@pytest.fixture
def stranger(other_project: Project) -> Person:
    """Someone with every right, in another project."""
    return person("sam", other_project, Role.ADMIN)


Api = Callable[..., Client]


@pytest.fixture
def api(project: Project) -> Api:
    """`api(Scope.INGEST, ...)` is a client that sends a token with these scopes, by default all."""

    def authorised(*scopes: str, of: Project = project) -> Client:
        issued = tokens.issue(of, "test", scopes or [Scope.ADMIN])
        return Client(headers={"Authorization": f"Bearer {issued.text}"})

    return authorised


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the server has logged stands beside what failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, servers.Server) and running.log.exists():
        report.sections.append(("Log of the server", running.log.read_text(errors="replace")[-LOGGED:]))
    return report


@pytest.fixture(scope="session")
def server() -> Iterator[servers.Server]:
    """The real server with a database of its own, shared by the tests that need nothing killed."""
    with servers.serving() as running:
        yield running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """The system's Chromium: no browser is downloaded."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail(
            "The browser tests need Chromium: `make test` as root installs it, else: apt install chromium"
        )
    # Patience for a busy machine: what is expected is looked for until it is there.
    expect.set_options(timeout=60_000)
    return {**browser_type_launch_args, "executable_path": path, "args": CHROMIUM_ARGUMENTS}
