"""Between which limits does a share lie? Wilson's interval, for every floor."""

from __future__ import annotations

import math

Z = 1.959963984540054


def wilson(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval (1927), 95 % by default; `n` may be an effective sample size, not whole."""
    if n <= 0:
        return 0.0, 1.0
    square = z * z
    centre = share + square / (2 * n)
    half = z * math.sqrt(max(share * (1 - share), 0.0) / n + square / (4 * n * n))
    scale = 1 + square / n
    # Exact at the ends, where the difference of two floats is nearly 0.
    low = 0.0 if share <= 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if share >= 1 else min(1.0, (centre + half) / scale)
    return low, high
