"""What the documents name exists, and every setting is in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# Variables in the documents that are another program's.
FOREIGN = ("OTEL_", "LANGFUSE_", "TOKEN", "TOUCHSTONE_", "GITHUB_", "CI_")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def settings_read() -> set[str]:
    """The names that settings.py takes from the environment."""
    source = (ROOT / "reviewapp" / "settings.py").read_text()
    return set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", source))


def settings_listed() -> set[str]:
    rows = [line.split("|")[1] for line in README.read_text().splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}


def test_every_setting_is_in_the_readme_and_every_one_there_is_read():
    assert settings_read()
    assert settings_listed() == settings_read()


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) < 300


@every_document
def test_variables_exist(path):
    named = set(
        re.findall(r"`([A-Z]+_[A-Z_]+)`|^ +(?:export )?([A-Z]+_[A-Z_]+)=", path.read_text(), re.MULTILINE)
    )
    names = {one or other for one, other in named}
    assert {name for name in names if not name.startswith(FOREIGN)} <= settings_read()


@every_document
def test_commands_exist(path):
    named = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text()))
    assert named <= set(get_commands())


@every_document
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^ +|`)make ([a-z]+)", path.read_text(), re.MULTILINE)) <= targets


def test_the_readmes_commands_are_all_there_are():
    """Those of our own apps, but for what only other commands and developers call."""
    own = {name for name, app in get_commands().items() if app in ("ingest", "reviewapp", "evaluation")}
    listed = set(re.findall(r"^\| `([a-z_]+)", README.read_text(), re.MULTILINE))
    assert own - {"worker", "write_access_table"} <= listed


@every_document
def test_addresses_exist(path):
    text = path.read_text()
    named = set(re.findall(r"(?<![\w.])(/(?:api/|v1/|healthz|readyz)[\w/.{}-]*)", text))
    for address in named:
        if not any(leads_somewhere(re.sub(r"\{\w+\}", value, address)) for value in ("x", "1")):
            pytest.fail(f"{path.name} names {address}, which leads nowhere")


@every_document
def test_files_exist(path):
    text = path.read_text()
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert all((path.parent / target).exists() for target in linked), linked
    named = re.findall(r"`((?:ingest|reviewapp|docs|bench|templates|static|tests)/[\w/.]+)`", text)
    assert all((ROOT / target).exists() for target in named), named


@every_document
def test_options_exist(path):
    """`--option` in a table of commands or in a line that calls manage.py."""
    for line in path.read_text().splitlines():
        called = re.search(r"(?:manage\.py |^\| `)([a-z_]+)", line)
        if called and called[1] in get_commands():
            source = source_of(called[1])
            for option in re.findall(r"--[a-z-]+", line):
                assert f'"{option}"' in source, line


def leads_somewhere(address):
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def source_of(command):
    app = get_commands()[command]
    return (ROOT / str(app) / "management" / "commands" / f"{command}.py").read_text()
