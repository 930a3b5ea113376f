"""Traces with labels and verdicts that were made elsewhere: read line by line and stored."""
