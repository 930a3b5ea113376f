"""Traffic with 8 % failures, a judge of AUC about .75, and signals that an oracle could use to reach .86."""

from __future__ import annotations

import math
import random

from evaluation.ranking.model import Item

TOPICS = ("refund", "parcel", "voucher", "invoice", "warranty", "colour", "size", "login")
SIGNALS = ("thumbs_down", "regenerated", "check_failed", "abandoned")
STRENGTHS = (2.2, 1.6, 1.4, 1.0)


def traffic(n: int, seed: int, *, with_signals: bool = True) -> tuple[list[Item], list[bool]]:
    chance = random.Random(seed)
    items, failed = [], []
    for _ in range(n):
        fails = chance.random() < 0.08
        judge = 1 / (1 + math.exp(-(chance.gauss(0.954 if fails else 0.0, 1.0) - 1)))
        rates = [0.03 * math.exp(strength if fails else 0) for strength in STRENGTHS]
        signals = dict.fromkeys(SIGNALS, 0.0)
        if with_signals:
            signals = {name: float(chance.random() < rate) for name, rate in zip(SIGNALS, rates, strict=True)}
        topic = chance.choice(TOPICS[:2] if fails and chance.random() < 0.4 else TOPICS)
        words = " ".join(chance.choice(("order", "please", "today", "thanks", "number")) for _ in range(8))
        items.append(Item(judge, {**signals, "length": chance.gauss(300, 80)}, f"{topic} {words}"))
        failed.append(fails)
    return items, failed


def recall(scores: list[float], failed: list[bool], share: float = 0.1) -> float:
    top = sorted(range(len(scores)), key=lambda i: -scores[i])[: int(len(scores) * share)]
    return sum(failed[i] for i in top) / max(sum(failed), 1)
