"""The calendar entry of somebody who comes: iCalendar (RFC 5545), as text. Who gets it when: `engine.welcome`."""

from datetime import datetime
from typing import Any, Literal

from engine.callout import CallOut, Invitation, answer_link
from engine.snapshot import Snapshot
from engine.wording import MARKS

Method = Literal["PUBLISH", "CANCEL"]


def media_type(method: Method) -> str:
    """Name the method in the type too: mail readers offer the entry by it (RFC 5545, section 8.1)."""
    return f"text/calendar; method={method}"


def file_name(snapshot: Snapshot) -> str:
    return f"irrops-{snapshot.incident.ref}.ics"


def sequence(invitation: Invitation, method: Method) -> int:
    """Number the entry's revisions: it grows with each answer, and a new place goes above the cancelled one."""
    return 2 * invitation.version + (method == "PUBLISH")


def link(snapshot: Snapshot, invitation: Invitation) -> str:
    """Where the entry can be fetched; empty where nobody can reach it."""
    base = snapshot.house.public_url.rstrip("/")
    return f"{base}/calendar/{invitation.code}.ics" if base and invitation.code else ""


def entry(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, description: str, method: Method, made_at: datetime
) -> str:
    """Write the entry, lines ended by CRLF and folded at 75 octets. The same arguments give the same text.

    Times are in UTC, so that no time zone need be described; a calendar shows them where its owner is. The entry is
    known by the invitation: publishing it again moves it, cancelling takes it away.
    """
    from icalendar import Calendar  # here, since it takes longer to load than most commands take

    book = Calendar()
    book.add("prodid", "-//irrops//call-out//EN")
    book.add("version", "2.0")
    book.add("method", method)
    book.add_component(_event(snapshot, callout, invitation, description, method, made_at))
    return bytes(book.to_ical()).decode()


def _event(
    snapshot: Snapshot, callout: CallOut, invitation: Invitation, description: str, method: Method, made_at: datetime
) -> Any:
    from icalendar import Event, vCalAddress

    mark = MARKS["en"] if snapshot.incident.drill else ""
    address = answer_link(snapshot, invitation)
    organiser = vCalAddress(snapshot.house.public_url or "invalid:nomail")  # RFC 5546 wants one, and we read no mail
    organiser.params["CN"] = snapshot.house.name
    event = Event()
    event.add("uid", f"{invitation.key}@irrops")
    event.add("dtstamp", made_at)
    event.add("sequence", sequence(invitation, method))
    event.add("organizer", organiser)
    event.add("dtstart", max(callout.starts_at, invitation.comes_at or callout.starts_at))
    event.add("dtend", callout.ends_at)
    event.add("summary", f"{mark}{snapshot.incident.title} ({snapshot.incident.ref})")
    event.add("description", description)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    if callout.where:
        event.add("location", callout.where)
    if address:
        event.add("url", address)
    return event
