"""What the worker does about changes."""

from __future__ import annotations

from evaluation.changes import finding, following_up


def watch() -> int:
    return finding.find() + following_up.follow_up()
