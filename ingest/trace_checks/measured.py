"""How well does each check find what it looks for? Measured by the tests on their examples."""

from __future__ import annotations

from typing import NamedTuple


class Measure(NamedTuple):
    examples: int
    failing: int
    precision: float
    recall: float


MEASURED = {
    "empty": Measure(46, 23, 0.957, 0.957),
    "refusal": Measure(68, 39, 0.971, 0.872),
    "truncated": Measure(47, 23, 0.913, 0.913),
    "schema": Measure(65, 35, 1.000, 0.971),
    "grounding": Measure(47, 22, 0.947, 0.818),
    "citations": Measure(45, 21, 1.000, 0.762),
    "repetition": Measure(49, 23, 0.955, 0.913),
    "language": Measure(46, 21, 0.950, 0.905),
    "pii": Measure(57, 26, 0.920, 0.885),
    "safety": Measure(76, 37, 0.892, 0.892),
    "injection": Measure(92, 44, 0.930, 0.909),
    "error": Measure(42, 23, 1.000, 1.000),
    "tool_error": Measure(70, 35, 0.971, 0.943),
    "slow": Measure(48, 22, 1.000, 1.000),
    "costly": Measure(46, 22, 1.000, 0.955),
}
