"""What do several answers of one judge to one question come to? Arithmetic only.

A version with `samples` k asks k times. The verdict is the one that most of the answers that could be read
give, its confidence their share, its score the share that says fail. A tie, which needs answers that could
not be read, is a failure: a human who looks in vain costs less than a failure that nobody looks at. Of a pair
a tie is a tie. Where no answer could be read the judgment is invalid, for the first one's reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.judges.calls.protocol import Answer

MOST = 9
SAMPLES = "samples"


class Refused(ValueError):
    """A number of samples that there cannot be."""


def samples(parameters: Mapping[str, Any]) -> int:
    """How often a version asks; 1 where nothing, or nothing readable, is said."""
    number = parameters.get(SAMPLES, 1)
    return number if isinstance(number, int) and not isinstance(number, bool) and _may_be(number) else 1


def check(parameters: Mapping[str, Any]) -> None:
    """Raises Refused."""
    number = parameters.get(SAMPLES, 1)
    if isinstance(number, bool) or not isinstance(number, int) or not _may_be(number):
        raise Refused(f"samples must be an odd number from 1 to {MOST}, so that a vote can be won.")
    if number > 1 and parameters.get("temperature", 1) == 0:
        raise Refused("At temperature 0 every sample is the same: raise the temperature, or use one sample.")


def _may_be(number: int) -> bool:
    return 1 <= number <= MOST and number % 2 == 1


def vote(answer: Answer) -> dict[str, Any]:
    """As it is kept."""
    kept: dict[str, Any] = {"verdict": answer.preference or answer.verdict}
    if answer.score is not None:
        kept["score"] = answer.score
    if answer.rationale:
        kept["rationale"] = answer.rationale
    if answer.reason:
        kept["reason"] = answer.reason
    return kept


def counted(votes: Sequence[Mapping[str, Any]], *, of_pair: bool = False) -> Answer:
    """What the votes come to."""
    counts = Counter(str(each["verdict"]) for each in votes if each["verdict"] != "invalid")
    read = counts.total()
    if not read:
        return Answer("invalid", reason=str(votes[0].get("reason", "")) if votes else "")
    (winner, most), *others = counts.most_common()
    if others and others[0][1] == most:
        winner = "tie" if of_pair else "fail"
    rationale = next((str(each.get("rationale", "")) for each in votes if each["verdict"] == winner), "")
    if of_pair:
        return Answer("", confidence=most / read, rationale=rationale, preference=winner)
    return Answer(winner, counts["fail"] / read, most / read, rationale)
