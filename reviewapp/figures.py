"""How are numbers written? Coefficients without a leading zero, what has a unit with one; a true minus."""

from __future__ import annotations

MINUS = "\u2212"
LEAST_MONEY = 0.00001


def count(number: int) -> str:
    return f"{number:,}"


def coefficient(value: float) -> str:
    """A score: ".31"; ratings above one keep what they need ("4.5")."""
    if abs(value) < 1:
        return _trim(f"{value:.2f}")
    return _trim(f"{value:.2f}" if value == 1 else f"{value:.4g}")


def decimals(value: float, places: int = 2) -> str:
    """A coefficient with all its decimals, so that two of them can be compared: ".80", "1.00", "−.02"."""
    return _trim(f"{value:.{places}f}")


def latency(milliseconds: float) -> str:
    """ "2.41 s", "0.98 s"; under ten milliseconds "4.2 ms", over two minutes "3 min 20 s"."""
    seconds = milliseconds / 1000
    if milliseconds < 10:
        return f"{milliseconds:.2g} ms" if milliseconds < 1 else f"{milliseconds:.1f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def money(dollars: float) -> str:
    """ "$0.00410", "$1.24000": as many decimals for all, so the longer of two is the greater."""
    if 0 < dollars < LEAST_MONEY:
        return f"<${LEAST_MONEY:.5f}"
    return f"${dollars:,.5f}" if dollars else "$0"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def p_value(p: float | None) -> str:
    """ "p = .035", "p < .001", "p = 1" """
    if p is None:
        return "p = n/a"
    return "p < .001" if p < 0.001 else f"p = {decimals(p, 3)}" if p < 1 else "p = 1"


def _trim(number: str) -> str:
    negative = number.startswith("-")
    digits = number.lstrip("-")
    if digits.startswith("0."):
        digits = digits[1:]
    return f"{MINUS}{digits}" if negative else digits
