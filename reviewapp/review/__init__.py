"""Rubrics, queues, leases, labels and resolutions: how humans judge traces, one function for each write."""
