"""How are numbers written? No leading zero, a true minus, and a unit behind a space."""

from __future__ import annotations

from math import floor, log10

MINUS = "\u2212"


def count(number: int) -> str:
    return f"{number:,}"


def coefficient(value: float) -> str:
    """A score: ".31"; ratings above one keep what they need ("4.5")."""
    if abs(value) < 1:
        return _trim(f"{value:.2f}")
    return _trim(f"{value:.2f}" if value == 1 else f"{value:.4g}")


def latency(milliseconds: float) -> str:
    """ "2.41 s", ".98 s"; under ten milliseconds "4.2 ms", over two minutes "3 min 20 s"."""
    seconds = milliseconds / 1000
    if milliseconds < 10:
        return f"{milliseconds:.2g} ms" if milliseconds < 1 else f"{milliseconds:.1f} ms"
    if seconds < 120:
        return f"{_trim(f'{seconds:.2f}')} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def money(dollars: float) -> str:
    """ "$.0041", "$1.24": two significant digits of a small price, cents of a large one."""
    if abs(dollars) >= 1 or dollars == 0:
        return f"${dollars:,.2f}"
    places = min(max(1 - floor(log10(abs(dollars))), 2), 8)
    return f"${_trim(f'{dollars:.{places}f}')}"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _trim(number: str) -> str:
    negative = number.startswith("-")
    digits = number.lstrip("-")
    if digits.startswith("0."):
        digits = digits[1:]
    return f"{MINUS}{digits}" if negative else digits
