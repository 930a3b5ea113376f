"""What the worker does for judges: each job finds its own work in rows and may run twice."""

from __future__ import annotations

from evaluation.judges import asking, judging, kept_figures, watching

TURN_SECONDS = 4.0


def judge_due() -> int:
    return judging.work(TURN_SECONDS)


def plan() -> int:
    return asking.plan()


def refresh_figures() -> int:
    return kept_figures.refresh(TURN_SECONDS)


def watch_live() -> int:
    return watching.watch_live()
