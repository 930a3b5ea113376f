"""The pages on which people set what may come in: redaction of all data, and feedback from browsers."""
