"""Checks that `make lint` runs beside the usual tools."""
