"""Ground floor: takes traces, spans, scores and feedback in, and decides what deserves a human."""
