"""The rows that all calls share: what they have cost, and which endpoints rest."""

from __future__ import annotations

from django.db import models


class MonthlySpend(models.Model):
    """What judges have cost in a month and what calls under way may cost: together never over budget."""

    month = models.DateField(primary_key=True)
    spent_usd = models.FloatField(default=0.0)
    reserved_usd = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.spent_usd}"


class EndpointHealth(models.Model):
    """The circuit breaker of one endpoint, shared by all workers."""

    endpoint = models.CharField(max_length=100, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.endpoint
