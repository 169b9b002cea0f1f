"""The real clock, and one that is set by hand for drills and tests."""

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime):
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move(self, span: timedelta) -> None:
        """Move forward by `span`."""
        self.move_to(self._at + span)

    def move_to(self, at: datetime) -> None:
        """Move forward to `at`; never back."""
        self._at = max(self._at, at)
