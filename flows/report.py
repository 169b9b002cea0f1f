"""What a flow run leaves behind to read: the timeline as Markdown."""

from engine.timeline import Entry
from flows.crew import Crew


def timeline_markdown(crew: Crew, number: int) -> str:
    """The timeline of an incident as a Markdown table, newest last, times in UTC."""
    incident = crew.store.incident(number)
    entries = sorted(crew.store.all(Entry, incident=number), key=lambda entry: entry.at)
    lines = [
        f"# {incident.ref} {incident.title}",
        f"{incident.severity}, {incident.status}" + (", **drill**" if incident.drill else ""),
        "",
        "| UTC | what | who |",
        "| --- | --- | --- |",
    ]
    cells = ((f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.text, entry.actor) for entry in entries)
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells]
    return "\n".join(lines)
