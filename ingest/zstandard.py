"""Zstandard, which few send: pyarrow unpacks it, loaded only where it comes. Python can from 3.14 on."""

from __future__ import annotations


def unpack(packed: bytes, most: int) -> bytes:
    """At most this many bytes of the content. Raises OSError for what is not zstd."""
    import pyarrow

    with pyarrow.CompressedInputStream(pyarrow.BufferReader(packed), "zstd") as stream:
        content: bytes = stream.read(most)
    return content
