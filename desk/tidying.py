"""Deleting what may not be kept: customers' messages after their time."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desk.desk import Desk

log = logging.getLogger("irrops.tidying")


def tidy(desk: "Desk", keep_days: int) -> int:
    """Delete conversations to which nothing has happened for `keep_days`; returns how many."""
    gone = desk.conversations.forget(desk.clock.now() - timedelta(days=keep_days))
    if gone:
        log.info("%d conversations were deleted after %d days", gone, keep_days)
    return gone
