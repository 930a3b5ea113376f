"""What the worker does for judges: each job finds its own work in rows and may run twice."""

from __future__ import annotations

from evaluation.judges.calls import budget, turns
from evaluation.judges.judgments import asking, judging, triage
from evaluation.judges.judgments import nightly as nights
from evaluation.judges.making import trying
from evaluation.judges.trust import kept_figures, watching

TURN_SECONDS = 4.0


def judge_due() -> int:
    """Who tries a judge out sits and waits, so that comes first."""
    budget.end_dead()
    with turns.taken() as is_ours:
        return trying.work(TURN_SECONDS / 2) + judging.work(TURN_SECONDS) if is_ours else 0


def nightly() -> int:
    return nights.run_due()


def triage_waiting() -> int:
    return triage.ask_standing() + triage.weigh_waiting()


def plan() -> int:
    return asking.plan()


def refresh_figures() -> int:
    return kept_figures.refresh(TURN_SECONDS)


def watch_live() -> int:
    return watching.watch_live()
