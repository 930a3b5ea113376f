"""What stands in an .eval archive of Inspect? A ZIP whose members today's versions compress with Zstandard.

Sizes are checked before anything is inflated, and nothing inflates beyond what its entry says.
"""

from __future__ import annotations

import io
import struct
import zipfile

from ingest import zstandard

MOST_MEMBERS, MOST_INFLATED = 100_000, 64 * 1024 * 1024
ZSTANDARD = 93
_HEADER = struct.Struct("<4s5H3I2H")


class BadArchive(ValueError):
    """It cannot be read; says why."""


def samples(sent: bytes) -> list[bytes]:
    """Raises BadArchive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(sent))
        members = [each for each in archive.infolist() if each.filename.startswith("samples/")]
        if len(members) > MOST_MEMBERS or sum(each.file_size for each in members) > MOST_INFLATED:
            raise BadArchive("it is too large")
        return [_read(archive, sent, each) for each in members]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, struct.error) as error:
        raise BadArchive(str(error)) from None


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
