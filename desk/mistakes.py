"""Errors that people can mend, and the sentence that tells them how. Anything else is a defect and shows itself."""

import errno
import json


def sentence(error: BaseException) -> str | None:
    """One sentence for the person; None when the error is none that they can mend."""
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    from desk.settings import SettingsError
    from desk.world import WorldFileError
    from engine.conversations_file import ConversationsFileError
    from engine.demand_file import DemandFileError
    from engine.incident import NotAllowed
    from engine.people_file import PeopleFileError
    from engine.playbook import FactsError, PlaybookError
    from engine.ports import BadPayload, NotAuthentic
    from engine.triage import NotFound
    from engine.urgency import WordListError
    from engine.wording import WordingError
    from state.database import DatabaseError, why

    ours = (
        NotAllowed,
        FactsError,
        PlaybookError,
        PeopleFileError,
        DemandFileError,
        SettingsError,
        WorldFileError,
        DatabaseError,
        WordingError,
        WordListError,
        ConversationsFileError,
        NotFound,
        BadPayload,
        NotAuthentic,
    )
    if isinstance(error, ours):
        return str(error)
    if isinstance(error, OperationalError):
        return f"the database does not take this just now and nothing of it was written, so try again: {why(error)}"
    if isinstance(error, OSError):
        return _file(error)
    if isinstance(error, UnicodeError):
        return "a text that was given is not UTF-8; type it anew"
    if isinstance(error, json.JSONDecodeError):
        return f"this is not JSON: {error}"
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
    return None


def _file(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; nothing more can be written until there is room under IRROPS_HOME"
    return f"{error.filename or 'a file'}: {error.strerror}"
