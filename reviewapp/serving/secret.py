"""The signing key of an embedded installation: made once, kept in the data directory for its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

SHORTEST = 50


def read_or_make(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            path.hardlink_to(fresh)  # the first one wins; a half-written key is never seen
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()
