"""Has agreement fallen? An alarm that may be looked at all the time, and what it takes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import JudgeVersion
from evaluation.judges.trust import calibration, certificates, kept_figures
from evaluation.statistics.watching import LEAST_BASELINE, LIMIT, Detector, baseline

WARNING, CRITICAL = 0.80, 0.70


@dataclass(frozen=True, slots=True)
class Watch:
    """`level` is "", "warning" or "critical" by four weeks' interval; `alarm`: the last day it rang."""

    level: str
    words: str
    learning: int = 0  # how many more results the detector needs before it may ring
    wealth: float = 0.0
    alarm: str = ""


def watch(figures: dict[str, Any]) -> Watch:
    """From the figures and the pairs by day: the same pairs always give the same alarm."""
    level, words = _by_interval(figures["page"]["recent"])
    days = [(day, failed, n) for day, failed, n in figures["page"]["daily"]]
    known = failures = 0
    while days and known < LEAST_BASELINE:
        _, failed, n = days.pop(0)
        known, failures = known + n, failures + failed
    q0 = baseline(failures, known)
    if q0 is None or q0 >= 0.9:
        return Watch(level, words, learning=max(LEAST_BASELINE - known, 0))
    detector, alarm = Detector(q0), ""
    for day, failed, n in days:
        detector = detector.look(failed, n)
        if detector.alarms:
            alarm, detector = day, detector.restarted()
    return Watch(level, words, wealth=round(detector.level / LIMIT, 4), alarm=alarm)


def _by_interval(agreement: dict[str, Any]) -> tuple[str, str]:
    high = agreement["high"]
    if high is None or high >= WARNING:
        return "", ""
    floor, level = (CRITICAL, "critical") if high < CRITICAL else (WARNING, "warning")
    return level, f"the whole interval of four weeks' agreement lies under {floor:.2f}"


def _alarm(version: JudgeVersion, found: Watch) -> str:
    """An alarm on traces since it went live, told once: labels come days after the traces that they are of,
    and a certificate is renewed with them."""
    if not found.alarm or version.live_at is None or found.alarm < version.live_at.date().isoformat():
        return ""
    reason = f"agreement alarm on {found.alarm}"
    return "" if version.certificates.filter(stale_reason=reason).exists() else reason


def watch_live() -> int:
    """Renew certificates of live versions; take back those whose agreement has fallen; how many. A job."""
    taken = 0
    live = JudgeVersion.objects.live_here().select_related("judge", "rubric_version__rubric")
    for version in live:
        certificate = certificates.current(version)
        found = watch(kept_figures.of(Scope(version)))
        reason = found.words if found.level == "critical" else _alarm(version, found)
        # Kept, since later rounds have to say it more clearly, and a judge that has moved moves back by no look.
        reason = reason or calibration.movement(version)
        if reason and not certificate.stale_reason:
            certificates.take_back(version, reason)
            taken += 1
    return taken
