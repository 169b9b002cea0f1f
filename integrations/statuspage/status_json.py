"""`status.json`: the page for programs. docs/channels.md describes its fields: added to, never renamed."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from integrations.statuspage import Settings
from integrations.statuspage.components import Component
from integrations.statuspage.disruptions import Disruption, Statement
from integrations.statuspage.markup import clean, stamp


def status_json(settings: Settings, found: Iterable[Disruption], board: Iterable[Component]) -> str:
    """Write disruptions and components as JSON."""
    told = [_disruption(disruption, settings.languages) for disruption in found]
    newest = max((disruption["updated_at"] for disruption in told), default=None)
    current = [disruption for disruption in told if disruption["current"] and not disruption["drill"]]
    whole = {
        "version": 1,
        "page": {"title": settings.title, "url": settings.base_url, "updated_at": newest},
        "current": len(current),
        "components": [_component(component) for component in board],
        "disruptions": told,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _component(component: Component) -> dict[str, Any]:
    return {
        "id": component.key,
        "names": dict(component.names),
        "state": component.state,
        "drill": component.drill or None,
        "days": {day.isoformat(): state for day, state in sorted(component.days.items())},
    }


def _disruption(disruption: Disruption, languages: Sequence[str]) -> dict[str, Any]:
    first = disruption.latest.first
    over, promised = disruption.over_since, disruption.next_update_at
    return {
        "id": disruption.slug,
        "incident": disruption.ref,
        "title": None if disruption.withdrawn else clean(first.title),
        "current": disruption.current,
        "drill": disruption.drill,
        "withdrawn": disruption.withdrawn,
        "severity": disruption.severity.value,
        "status": first.status,
        "began_at": stamp(disruption.began_at),
        "ended_at": stamp(over) if over else None,
        "updated_at": stamp(disruption.updated_at),
        "next_update_at": stamp(promised) if promised else None,
        "latest": None if disruption.withdrawn else _statement(disruption.latest),
        "rights": [_statement(statement) for statement in disruption.rights],
        "withdrawals": [stamp(one.changed_at) for one in disruption.statements if not one.shown],
        "pages": {language: f"{disruption.slug}.{language}.html" for language in languages},
    }


def _statement(statement: Statement) -> dict[str, Any]:
    corrected = statement.corrected_at
    return {
        "kind": statement.kind,
        "at": stamp(statement.at),
        "corrected_at": stamp(corrected) if corrected else None,
        "texts": {one.language: clean(one.post.text) for one in statement.shown},
    }
