"""The rows that all calls share: what they cost or may cost, and which endpoints are paused."""

from __future__ import annotations

from django.db import models


class MonthlySpend(models.Model):
    """What judges have cost in a month; `estimated_usd` of it is of calls that nobody told the price of."""

    month = models.DateField(primary_key=True)
    spent_usd = models.FloatField(default=0.0)
    estimated_usd = models.FloatField(default=0.0, db_default=0.0)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.spent_usd}"


class Reservation(models.Model):
    """The most that a call under way may cost. It goes as the call ends; past `until` its worker is dead."""

    month = models.DateField()
    usd = models.FloatField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.usd} until {self.until}"


class EndpointHealth(models.Model):
    """The circuit breaker of one endpoint, shared by all workers."""

    endpoint = models.CharField(max_length=100, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.endpoint
