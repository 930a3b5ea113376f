"""What is in an .eval archive of Inspect? A ZIP whose members current versions compress with Zstandard.

Sizes are checked before anything is inflated, and nothing inflates beyond what its entry says.
"""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass

from ingest import zstandard

MOST_MEMBERS, MOST_INFLATED = 100_000, 64 * 1024 * 1024
ZSTANDARD = 93
_HEADER = struct.Struct("<4s5H3I2H")


HEADER, BEGUN = "header.json", "_journal/start.json"


class BadArchive(ValueError):
    """It cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Log:
    """`header` is written when all has ended; a log that was begun has none before."""

    samples: list[bytes]
    header: bytes | None
    begun: bool


def log(sent: bytes) -> Log:
    """Raises BadArchive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(sent))
        members = {each.filename: each for each in archive.infolist() if _wanted(each.filename)}
        if len(members) > MOST_MEMBERS or sum(each.file_size for each in members.values()) > MOST_INFLATED:
            raise BadArchive("it is too large")
        read = {name: _read(archive, sent, each) for name, each in members.items()}
        return Log(
            [read[name] for name in read if name.startswith("samples/")], read.get(HEADER), BEGUN in read
        )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, struct.error) as error:
        raise BadArchive(str(error)) from None


def _wanted(name: str) -> bool:
    return name.startswith("samples/") or name in (HEADER, BEGUN)


def _read(archive: zipfile.ZipFile, sent: bytes, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type != ZSTANDARD:
        return archive.read(member)
    content = zstandard.unpack(_packed(sent, member), member.file_size)
    if len(content) != member.file_size:
        raise BadArchive("a member ends too early")
    return content


def _packed(sent: bytes, member: zipfile.ZipInfo) -> bytes:
    """The member's bytes as they stand behind its own header."""
    header = _HEADER.unpack_from(sent, member.header_offset)
    start = member.header_offset + _HEADER.size + header[-2] + header[-1]
    if header[0] != b"PK\x03\x04" or member.flag_bits & 1 or start + member.compress_size > len(sent):
        raise BadArchive(f"{member.filename[:100]} is broken or encrypted")
    return sent[start : start + member.compress_size]
