"""Where PostgreSQL lives, as root and as anyone, and what it refuses to live in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reviewapp.serving import postgres_place
from reviewapp.serving.postgres_place import Account, NoPostgres, Place, locate, prepare

NOBODY = Account("nobody", 65534, 65534)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as someone else")


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Stands for /var/lib."""
    root = tmp_path / "lib"
    root.mkdir()
    monkeypatch.setattr(postgres_place, "ROOTS", (root,))
    return root


def closed(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home / "var"


@needs_root
def test_below_a_closed_home_root_keeps_the_data_elsewhere(tmp_path, outside):
    place = locate(closed(tmp_path))
    assert place.home.parent == outside / "touchstone"
    assert place == locate(closed_again(tmp_path))
    assert place.account.uid != 0


def closed_again(tmp_path):
    return tmp_path / "home" / "var"


@needs_root
def test_what_it_did_not_make_stays_as_it_was(tmp_path, outside):
    data_dir = closed(tmp_path)
    before = [
        (path, path.stat().st_mode, path.stat().st_uid) for path in (tmp_path, data_dir.parent, outside)
    ]
    place = locate(data_dir)
    prepare(data_dir, place)
    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path, *_ in before]
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    assert place.home.stat().st_uid == place.account.uid


@needs_root
def test_a_deleted_data_directory_does_not_find_its_old_rows_again(tmp_path, outside):
    data_dir = closed(tmp_path)
    place = locate(data_dir)
    prepare(data_dir, place)
    (place.home / "data").mkdir()
    prepare(data_dir, place)
    assert (place.home / "data").exists()
    (data_dir / "postgres.id").unlink()
    prepare(data_dir, place)
    assert not (place.home / "data").exists()
    assert [path for path in place.home.parent.glob("*abandoned*") if (path / "data").exists()]


def test_a_reachable_data_directory_holds_its_data_itself(tmp_path):
    place = locate(Path("/tmp/touchstone-nowhere"))
    assert place.home == Path("/tmp/touchstone-nowhere/postgres")
    assert place.socket == place.home / "socket"


def test_a_long_path_gets_a_short_socket():
    place = locate(Path("/tmp") / ("long" * 30))
    assert len(os.fsencode(place.socket / postgres_place.SOCKET_NAME)) <= postgres_place.SOCKET_PATH_BYTES


@pytest.mark.parametrize("planted", ["link", "file", "open"])
def test_a_planted_directory_is_refused(tmp_path, planted):
    socket = tmp_path / "socket"
    if planted == "link":
        socket.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").mkdir()
    elif planted == "file":
        socket.touch()
    else:
        socket.mkdir()
        socket.chmod(0o777)
    myself = Account("me", os.geteuid(), os.getegid())
    with pytest.raises(NoPostgres, match="only this user can write"):
        prepare(tmp_path / "var", Place(myself, tmp_path / "var" / "postgres", socket))


@needs_root
def test_a_directory_of_another_user_is_refused(tmp_path):
    socket = tmp_path / "socket"
    socket.mkdir()
    os.chown(socket, 12345, 12345)
    with pytest.raises(NoPostgres):
        prepare(tmp_path / "var", Place(NOBODY, tmp_path / "var" / "postgres", socket))


def test_data_of_another_version_is_not_touched(tmp_path):
    place = Place(Account("me", os.geteuid(), os.getegid()), tmp_path, tmp_path)
    place.data.mkdir()
    (place.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(NoPostgres, match="written by PostgreSQL 9"):
        postgres_place.programs(place)


def test_without_any_postgres_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_place, "_candidates", list)
    with pytest.raises(NoPostgres, match="DATABASE_URL"):
        postgres_place.programs(Place(NOBODY, tmp_path, tmp_path))


@needs_root
def test_programs_out_of_reach_are_copied_once_and_whole(tmp_path, outside):
    wheel = tmp_path / "home" / "package" / "install"
    for name in ("bin/postgres", "bin/initdb", "lib/postgresql/x.so", "share/postgresql/y"):
        path = wheel / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        path.chmod(0o700)
    first = postgres_place._copied(wheel / "bin")
    assert (first / "postgres").read_text() == "x"
    assert stat.S_IMODE((first / "postgres").stat().st_mode) == 0o755
    assert postgres_place._copied(wheel / "bin") == first
    assert len(list((outside / "touchstone").iterdir())) == 1
