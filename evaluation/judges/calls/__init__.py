"""One question to a judge and its answer: what it is told, by whom it is answered, what that may cost."""
