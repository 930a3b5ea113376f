"""What would have to change for a run to pass the gate, as far as the figures tell?"""

from __future__ import annotations

from evaluation.gate import PASS, SIGNIFICANT, Comparison, Verdict, counted, percent
from evaluation.statistics.change import mcnemar
from evaluation.statistics.intervals import all_pass_minimum, wilson_lower
from reviewapp import figures


def turns_green(verdict: Verdict) -> str:
    """One paragraph, or nothing for a run that passed or has no results."""
    compared, threshold = verdict.comparison, verdict.threshold
    if verdict.decision == PASS or not compared.n:
        return ""
    if verdict.repeat:
        return f"Run {counted(len(verdict.repeat))} again and send the results under the same run key."
    if not compared.paired:
        return _enough(compared, threshold)
    critical = {case.case_id for case in compared.broken if case.critical}
    words = [f"{_critical_must(len(critical))} pass again."] if critical else []
    mended = _fewest_mended(compared, critical, threshold)
    if mended is None:
        return " ".join([*words, "Mending what broke is not enough: the pass rate was too low before."])
    if others := len(mended) - len(critical):
        words.append(f"{counted(others, 'more' if critical else '')} of the broken must pass again.")
    return " ".join([*words, _left(compared, mended, threshold)])


def _fewest_mended(compared: Comparison, critical: set[str], threshold: float) -> set[str] | None:
    """Ids of broken cases that must pass again, critical ones included; None if all of them are too few."""
    mended = set(critical)
    for case_id in sorted(case.case_id for case in compared.broken):
        if _is_green(compared, mended, threshold):
            return mended
        mended.add(case_id)
    return mended if _is_green(compared, mended, threshold) else None


def _left(compared: Comparison, mended: set[str], threshold: float) -> str:
    left = len(compared.broken) - len(mended)
    p = figures.p_value(mcnemar(left, len(compared.fixed)))
    lower = percent(wilson_lower(compared.passed + len(mended), compared.n))
    return (
        f"That leaves {left} broken and {len(compared.fixed)} fixed, {p}, with a lower bound of {lower} "
        f"over the threshold of {percent(threshold)}."
    )


def _enough(compared: Comparison, threshold: float) -> str:
    """Without a baseline: how many of the failing cases decide."""
    n, passed = compared.n, compared.passed
    enough = (more for more in range(n - passed + 1) if wilson_lower(passed + more, n) >= threshold)
    if (more := next(enough, None)) is None:
        return (
            f"{counted(n)} are too few to show {percent(threshold)}, even if all of them pass. "
            f"It takes {all_pass_minimum(threshold)} that pass."
        )
    failing = counted(n - passed)
    return f"{more} of the {failing} that fail must pass: the lower bound then reaches {percent(threshold)}."


def _critical_must(number: int) -> str:
    return "The critical case must" if number == 1 else f"The {number} critical cases must"


def _is_green(compared: Comparison, mended: set[str], threshold: float) -> bool:
    left = len(compared.broken) - len(mended)
    bound = wilson_lower(compared.passed + len(mended), compared.n)
    return mcnemar(left, len(compared.fixed)) > SIGNIFICANT and bound >= threshold
