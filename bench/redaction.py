"""What does masking cost a KB of spans, by policy? Beside what is paid for taking the spans in at all."""

from __future__ import annotations

import time
from collections import Counter

from bench import payloads
from bench.figures import Figure, median

SPANS = 1_000
TURN = 500
# Of about a millisecond a span that web process and database spend on it together.
MOST = 50


def measure(rounds: int) -> list[Figure]:
    import django

    django.setup()
    from ingest.otlp import protobuf
    from ingest.otlp.decoding import Decoder
    from ingest.redaction.masking import OFF, Redactor
    from ingest.redaction.policy import Kind, Policy, own_patterns

    everything = Policy(kinds=frozenset(Kind))
    policies = (
        ("default policy", Policy()),
        ("all kinds", everything),
        ("all kinds, phones of DE and US", Policy(kinds=frozenset(Kind), regions=("DE", "US"))),
        (
            "default policy and a pattern of one's own",
            Policy(patterns=own_patterns([("customer", r"\bKD-\d{6}\b")])),
        ),
    )
    decoder = Decoder(OFF)
    for batch in payloads.batches(TURN, SPANS // TURN):
        protobuf.decode_traces(batch.body, decoder)
    rows = decoder.spans
    size = sum(len(row.attributes) + len(row.events) for row in rows) / 1024
    note = f"{len(rows):,} spans of {size / len(rows):.1f} KB, one core"
    figures = []
    for name, policy in policies:
        redactor = Redactor(policy, b"k" * 32)
        spent = []
        for _ in range(rounds):
            begun = time.process_time()
            for row in rows:
                redactor.row(row, Counter())
            spent.append((time.process_time() - begun) * 1e6 / size)
        goal = MOST if name == "default policy" else None
        figures.append(Figure(f"redaction, {name}", median(spent), "us/KB", "<=", goal, note))
    return figures
