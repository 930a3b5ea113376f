"""The whole database as one file, and back: all or nothing, with every golden digest checked afterwards.

PostgreSQL's own programs do it, those of the server's version or newer. What was erased since the backup was
made is erased again, before anybody can read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, connection

from evaluation.golden.models import VersionBody
from evaluation.golden.published import slices
from evaluation.retention import ledger, replaying
from reviewapp.serving import postgres_place
from reviewapp.serving.postgres_place import NoPostgres

MAGIC = b"PGDMP"
SLICE = 4 * 1024 * 1024
FRESH = "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"


class Refused(Exception):
    """A backup that cannot be made or taken; says what to do."""


@dataclass(frozen=True, slots=True)
class Checked:
    versions: int
    bodies: int
    erasures: int = 0


def backup(file: Path) -> int:
    """Write a dump to the file, whole or not at all; its size. Raises Refused."""
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise Refused(f"{file} must be a file in a directory that is there.")
    program = _program("pg_dump")
    with tempfile.NamedTemporaryFile(
        dir=file.absolute().parent, prefix=f".{file.name}.", delete=False
    ) as aside:
        try:
            _run([program, "--format=custom", "--no-owner", "--schema=public", *_target()], stdout=aside)
            aside.flush()
            os.fsync(aside.fileno())
            Path(aside.name).replace(file)
        except BaseException:
            Path(aside.name).unlink(missing_ok=True)
            raise
    return file.stat().st_size


def restore(file: Path, *, force: bool = False, erasures: Path | None = None) -> Checked:
    """Replace the database's content by the file's. Raises Refused, also when there is any.

    `erasures`: a ledger to replay besides the one in DATA_DIR and the records of the database replaced.
    """
    if not _is_backup(file):
        raise Refused(f"{file} is not a file that backup wrote.")
    if not force and (found := _content()):
        raise Refused(f"The database holds {found}. Restore into an empty one, or say --force to replace it.")
    if not force and (others := _others()):
        raise Refused(f"{others} other connections are open: stop serve first, or say --force.")
    if erasures is not None and not erasures.is_file():
        raise Refused(f"{erasures} is not there.")
    told = [*replaying.known(), *ledger.read(), *(ledger.read(erasures) if erasures else [])]
    connection.close()
    _load(file)
    call_command("migrate", interactive=False, verbosity=0)
    replayed = replaying.replay(told)
    return replace(check(), erasures=len(replayed))


def _is_backup(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def _load(file: Path) -> None:
    """In one transaction, so that a backup which breaks off leaves everything as it was."""
    with tempfile.TemporaryFile() as script:
        script.write(FRESH.encode())
        script.flush()
        _run([_program("pg_restore"), "--no-owner", "--schema=public", "--file=-", str(file)], stdout=script)
        script.seek(0)
        command = [
            _program("psql"),
            "--quiet",
            "--no-psqlrc",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
        ]
        _run([*command, "--output=/dev/null", *_target()], stdin=script)


def check() -> Checked:
    """Read every stored golden body and compare it with its digest. Raises Refused."""
    versions, bodies = set(), 0
    rows = (
        VersionBody.objects.filter(content__isnull=False).defer("content").select_related("version__dataset")
    )
    for body in rows.order_by("pk"):
        digest = hashlib.sha256()
        for start in range(0, body.size, SLICE):
            digest.update(slices.between(body.pk, start, min(SLICE, body.size - start)))
        if digest.digest() != bytes(body.sha256):
            version = body.version
            raise Refused(
                f"{version.dataset.name} v{version.number} {body.format} is not what was published."
            )
        versions.add(body.version_id)
        bodies += 1
    return Checked(len(versions), bodies)


def _content() -> str:
    """What a database that is not empty holds, in words."""
    with connection.cursor() as cursor:
        for table, words in (("ingest_project", "projects"), ("reviewapp_user", "people")):
            try:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants
            except ProgrammingError:
                continue
            if number := cursor.fetchone()[0]:
                return f"{number} {words}"
    return ""


def _others() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        number: int = cursor.fetchone()[0]
        return number


def _target() -> list[str]:
    """Where the programs find the database; the password goes by the environment."""
    given = connection.settings_dict
    parts = {"host": given["HOST"], "port": given["PORT"], "username": given["USER"], "dbname": given["NAME"]}
    return [f"--{name}={value}" for name, value in parts.items() if value]


def _program(name: str) -> str:
    """The program of the server's version or newer. Raises Refused."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // 10_000
    for place in _places(name):
        told = subprocess.run([place, "--version"], capture_output=True, text=True)  # noqa: S603
        version = re.search(r"(\d+)", told.stdout)
        if version and int(version[1]) >= server:
            return str(place)
    raise Refused(f"{name} {server} or newer is not on this machine: install postgresql-client-{server}.")


def _places(name: str) -> list[Path]:
    found: list[Path] = []
    with contextlib.suppress(NoPostgres):
        found.append(postgres_place.programs(postgres_place.locate(settings.DATA_DIR)) / name)
    if on_path := shutil.which(name):
        found.append(Path(on_path))
    found += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return [each for each in found if each.exists()]


def _run(command: list[str], stdout: IO[Any] | None = None, stdin: IO[Any] | None = None) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    if password := connection.settings_dict["PASSWORD"]:
        environment["PGPASSWORD"] = password
    done = subprocess.run(  # noqa: S603
        command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment
    )
    if done.returncode:
        raise Refused(f"{Path(command[0]).name} failed: {done.stderr.strip()[-1500:]}")
