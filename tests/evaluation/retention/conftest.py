"""A queue, its people and aged traces."""

from tests.reviewapp.review.conftest import lead_user, paul, queue, rita

__all__ = ["lead_user", "paul", "queue", "rita"]
