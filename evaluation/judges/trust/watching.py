"""Has agreement fallen? An alarm that may be looked at all the time, and what it takes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import JudgeVersion
from evaluation.judges.trust import calibration, certificates, kept_figures
from evaluation.statistics.watching import LEAST_BASELINE, LIMIT, Detector, baseline, combined

WARNING, CRITICAL = 0.80, 0.70
# Beyond it no bet is left.
MOST_BASELINE = 0.9


Days = Sequence[tuple[str, int, int]]  # day, disagreements, pairs


@dataclass(frozen=True, slots=True)
class Watch:
    """`level` is "", "warning" or "critical" by four weeks' interval; `alarm`: the last day it rang, and
    `route` where agreement had fallen most then."""

    level: str
    words: str
    learning: int = 0  # how many more results the detector needs before it may ring
    wealth: float = 0.0
    alarm: str = ""
    route: str = ""


def watch(figures: dict[str, Any]) -> Watch:
    """From the figures and the pairs by day: the same pairs always give the same alarm. Each route that has
    a baseline is watched beside the whole, which hides a fall in one of many."""
    level, words = _by_interval(figures["page"]["recent"])
    days = [(day, failed, n) for day, failed, n in figures["page"]["daily"]]
    detector, new = _learned(days)
    if detector is None:
        known = sum(n for _, _, n in days)
        return Watch(level, words, learning=max(LEAST_BASELINE - known, 0))
    of_route: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for route, day, failed, n in figures["page"]["daily_routes"]:
        of_route[route].append((day, failed, n))
    learned = {route: _learned(some) for route, some in sorted(of_route.items())}
    routes = {route: found for route, (found, _) in learned.items() if found is not None}
    looks = {route: {day: (failed, n) for day, failed, n in some} for route, (_, some) in learned.items()}
    alarm, where, wealth = "", "", 0.0
    for day, failed, n in new:
        detector = detector.look(failed, n)
        routes = {
            route: found.look(*looks[route][day]) if day in looks[route] else found
            for route, found in routes.items()
        }
        wealth, loudest = combined(detector, routes)
        if wealth >= LIMIT:
            alarm, where, wealth = day, loudest, 0.0
            detector = detector.restarted()
            routes = {route: found.restarted() for route, found in routes.items()}
    return Watch(level, words, wealth=round(wealth / LIMIT, 4), alarm=alarm, route=where)


def _learned(days: Days) -> tuple[Detector | None, Days]:
    """A detector whose baseline are the first days, and the days after them; None where they are too few."""
    known = failures = used = 0
    for _, failed, n in days:
        if known >= LEAST_BASELINE:
            break
        known, failures, used = known + n, failures + failed, used + 1
    q0 = baseline(failures, known)
    return (None if q0 is None or q0 >= MOST_BASELINE else Detector(q0)), days[used:]


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
        # Kept, since later rounds have to say it more clearly: no judge moves back by being looked at.
        reason = reason or calibration.movement(version)
        if reason and not certificate.stale_reason:
            certificates.take_back(version, reason)
            taken += 1
    return taken
