"""May this be deployed? The gate's arithmetic over each case's trials; knows nothing of Django.

A case's verdict is the majority of its trials; a tie is a failure. Differences that chance
alone could explain are repeated before anything is blocked, and a run with cases missing never passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from evaluation.statistics.change import mcnemar
from evaluation.statistics.intervals import wilson_lower, wilson_upper, z_of
from ingest.intervals import wilson
from reviewapp import figures

THRESHOLD = 0.85
SIGNIFICANT = 0.05
BLATANT = 0.001
# With fewer broken cases than this, no p can fall to .05.
ENOUGH_BROKEN = 5
MORE_TRIALS = 2
CRITICAL_TRIALS = 5
CRITICAL_BROKEN = 4
POWER = 0.8
MOST_ADVISED = 5_000

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a run: whether each trial passed, and the same of the baseline if it has this revision."""

    case_id: str
    trials: tuple[bool, ...]
    baseline: tuple[bool, ...] | None = None
    critical: bool = False

    @property
    def passed(self) -> bool:
        return majority(self.trials)

    @property
    def failures(self) -> int:
        return self.trials.count(False)

    @property
    def broken(self) -> bool:
        return bool(self.baseline) and majority(self.baseline or ()) and not self.passed

    @property
    def fixed(self) -> bool:
        return bool(self.baseline) and not majority(self.baseline or ()) and self.passed

    @property
    def unstable(self) -> bool:
        return len(set(self.trials)) > 1


def majority(trials: Sequence[bool]) -> bool:
    """A tie is a failure, and so is nothing at all."""
    return trials.count(True) * 2 > len(trials)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A case to run again, and how many times more."""

    case_id: str
    trials: int


@dataclass(frozen=True)
class Comparison:
    """A run's cases beside those of its baseline, and what they come to."""

    cases: tuple[Case, ...]

    @cached_property
    def n(self) -> int:
        return len(self.cases)

    @cached_property
    def passed(self) -> int:
        return sum(case.passed for case in self.cases)

    @cached_property
    def paired(self) -> int:
        return sum(bool(case.baseline) for case in self.cases)

    @cached_property
    def broken(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.broken)

    @cached_property
    def fixed(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.fixed)

    @cached_property
    def unstable(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.unstable)

    @cached_property
    def p_value(self) -> float | None:
        """One-sided exact McNemar on majorities; None without a baseline."""
        return mcnemar(len(self.broken), len(self.fixed)) if self.paired else None

    @property
    def pass_rate(self) -> float | None:
        return self.passed / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.passed / self.n, self.n) if self.n else (0.0, 1.0)

    @property
    def lower(self) -> float:
        return wilson_lower(self.passed, self.n)

    @property
    def upper(self) -> float:
        return wilson_upper(self.passed, self.n)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, why, what to run again, and how many cases more would decide."""

    decision: str
    reasons: tuple[str, ...]
    comparison: Comparison
    threshold: float
    repeat: tuple[Repeat, ...] = ()
    more_cases: int | None = None


def decide(cases: Iterable[Case], *, threshold: float = THRESHOLD, problems: Sequence[str] = ()) -> Verdict:
    """`problems` are reasons why the run cannot be judged at all: with any, nothing passes or fails."""
    compared = Comparison(tuple(cases))
    if problems or not compared.n:
        reasons = tuple(problems) or ("There is no result to judge.",)
        return Verdict(INCONCLUSIVE, reasons, compared, threshold)
    if blatant := _blatant(compared):
        return Verdict(FAIL, (blatant,), compared, threshold)
    if repeat := _to_repeat(compared):
        words = f"Repeat {counted(len(repeat))}: what changed may be chance."
        return Verdict(INCONCLUSIVE, (words,), compared, threshold, repeat)
    if failures := _failures(compared, threshold):
        return Verdict(FAIL, failures, compared, threshold)
    return _undecided(compared, threshold) or Verdict(PASS, _passed(compared, threshold), compared, threshold)


def _blatant(compared: Comparison) -> str:
    """A regression that no repeat is needed for.

    It has to show against as many trials of the baseline as well: beside a majority of three, the flips of a
    single run all look like regressions.
    """
    p = compared.p_value
    if p is None or p > BLATANT:
        return ""
    even = Comparison(tuple(_evened(case) for case in compared.cases))
    return _regression(compared) if (even.p_value or 0.0) <= BLATANT else ""


def _evened(case: Case) -> Case:
    """With no more trials of the baseline than of the run."""
    return replace(case, baseline=case.baseline[: len(case.trials)]) if case.baseline else case


def _to_repeat(compared: Comparison) -> tuple[Repeat, ...]:
    """Every discordant case, both ways, until each has MORE_TRIALS beyond those of the first upload.

    Few broken cases and no critical one among them need none: they could not fail the run.
    """
    broken = compared.broken
    if len(broken) < ENOUGH_BROKEN and not any(case.critical for case in broken):
        return ()
    first = min(len(case.trials) for case in compared.cases)
    asked = ((case, _wanted(case, first) - len(case.trials)) for case in broken + compared.fixed)
    return tuple(Repeat(case.case_id, missing) for case, missing in asked if missing > 0)


def _wanted(case: Case, first: int) -> int:
    """An odd number of trials, at most five; a critical case that stays broken is asked five times."""
    wanted = first + MORE_TRIALS
    if case.critical and case.broken and len(case.trials) >= wanted:
        wanted = CRITICAL_TRIALS
    return min(wanted + (wanted % 2 == 0), CRITICAL_TRIALS)


def _failures(compared: Comparison, threshold: float) -> tuple[str, ...]:
    found = []
    if compared.p_value is not None and compared.p_value <= SIGNIFICANT:
        found.append(_regression(compared))
    critical = [case for case in compared.cases if _critical_failures(case) >= CRITICAL_BROKEN]
    if critical:
        found.append(f"{_critical(len(critical))} broken: {_named(critical)}.")
    if compared.upper < threshold:
        found.append(
            f"The pass rate is at most {percent(compared.upper)} (one-sided 95 %), "
            f"under the threshold of {percent(threshold)}."
        )
    return tuple(found)


def _critical_failures(case: Case) -> int:
    """Failed trials, of five, of a critical case that its baseline passed."""
    if not case.critical or not case.baseline or not majority(case.baseline):
        return 0
    if len(case.trials) <= CRITICAL_TRIALS:
        return case.failures
    # More than five trials count in proportion.
    return round(case.failures * CRITICAL_TRIALS / len(case.trials) + 1e-9)


def _undecided(compared: Comparison, threshold: float) -> Verdict | None:
    wavering = [
        case
        for case in compared.cases
        if len(case.trials) >= CRITICAL_TRIALS and 1 <= _critical_failures(case) < CRITICAL_BROKEN
    ]
    reasons = []
    if wavering:
        reasons.append(f"{_critical(len(wavering))} broken in some trials only: {_named(wavering)}.")
    if compared.lower >= threshold:
        return Verdict(INCONCLUSIVE, tuple(reasons), compared, threshold) if reasons else None
    again = _undecided_trials(compared)
    more = cases_needed(threshold, compared.passed / compared.n)
    more = max(more - compared.n, 1) if more else None
    reasons.append(
        f"The pass rate is at least {percent(compared.lower)} (one-sided 95 %), and the threshold is "
        f"{percent(threshold)}: {_advice(len(again), more, compared, threshold)}"
    )
    return Verdict(INCONCLUSIVE, tuple(reasons), compared, threshold, again, more)


def _undecided_trials(compared: Comparison) -> tuple[Repeat, ...]:
    """What changed against the baseline or between trials, asked up to five times: it can move the rate."""
    open_cases = [
        case for case in compared.cases if case.broken or case.fixed or (case.unstable and not case.critical)
    ]
    asked = ((case, 1 + MORE_TRIALS if len(case.trials) < 3 else CRITICAL_TRIALS) for case in open_cases)
    return tuple(
        Repeat(case.case_id, wanted - len(case.trials)) for case, wanted in asked if wanted > len(case.trials)
    )


def _advice(repeats: int, more: int | None, compared: Comparison, threshold: float) -> str:
    if repeats:
        return f"repeat {counted(repeats)}."
    if more is not None and compared.passed / compared.n > threshold:
        return f"{counted(more, 'more')} at this rate would decide."
    return "too many cases fail for it to be reached; see which ones."


def cases_needed(threshold: float, rate: float, power: float = POWER) -> int | None:
    """From how many cases on a true `rate` is shown, with this power, to lie above `threshold`.

    Exact: k passes of n suffice when k >= n t + z sqrt(n t (1 - t)), which is Wilson's bound turned round.
    None when it is out of reach.
    """
    if rate <= threshold:
        return None
    import numpy
    from scipy.stats import binom

    n = numpy.arange(1, MOST_ADVISED + 1)
    z = z_of(one_sided=True)
    least = numpy.ceil(n * threshold + z * numpy.sqrt(n * threshold * (1 - threshold)) - 1e-9)
    short = numpy.flatnonzero(binom.sf(least - 1, n, rate) < power)
    needed = int(short[-1]) + 2 if short.size else 1
    return needed if needed <= MOST_ADVISED else None


def _regression(compared: Comparison) -> str:
    return (
        f"{counted(len(compared.broken))} broke and {len(compared.fixed)} "
        f"{'was' if len(compared.fixed) == 1 else 'were'} fixed against the baseline "
        f"(exact McNemar {figures.p_value(compared.p_value)})."
    )


def _passed(compared: Comparison, threshold: float) -> tuple[str, ...]:
    words = f"The pass rate is at least {percent(compared.lower)} (one-sided 95 %), "
    words += f"the threshold {percent(threshold)}."
    if compared.p_value is None:
        return (words, "Without a baseline no regression could be looked for.")
    return (words, f"No significant regression ({figures.p_value(compared.p_value)}).")


def counted(number: int, word: str = "") -> str:
    """`3 cases`, `1 more case`."""
    return f"{number} {word + ' ' if word else ''}{'case' if number == 1 else 'cases'}"


def _critical(number: int) -> str:
    return "A critical case is" if number == 1 else f"{number} critical cases are"


def _named(cases: Sequence[Case], most: int = 10) -> str:
    names = ", ".join(case.case_id for case in cases[:most])
    return f"{names} and {len(cases) - most} more" if len(cases) > most else names


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"
