"""Statements that a person starts: a draft beside the playbook, a correction, a withdrawal.

A statement drafted by hand is a step of its own kind (`by_hand#1`, `by_hand#2` …), so that approval, deputies, delivery
and deadlines are the same as those of the playbook's steps.
"""

import difflib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from engine import promise
from engine.approval import approvers
from engine.change import Change
from engine.checked import stops
from engine.drafting import draft as drafted
from engine.effects import Effect, EffectState
from engine.house import House
from engine.incident import NotAllowed, Status
from engine.playbook import BY_HAND, Approval, Step
from engine.posting import withdrawals
from engine.public import places, post_of
from engine.sentences import sentences
from engine.statements import Statement, StatementStatus, TooLong, Wordings, acting, decided, entry, name_of
from engine.steps import StepState
from engine.wording import OUTWARD, WordingError, is_outward

if TYPE_CHECKING:  # snapshots hold statements
    from engine.snapshot import Snapshot

CORRECTION = "correction_text"
"""The message that carries a correction in somebody's own words."""

MOST_CHANGES = 3
"""Sentences that changed, named one by one; where more did, the text was written anew."""


# ---------------------------------------------------------------- drafting


def draft(
    snapshot: "Snapshot",
    message: str,
    by: str,
    *,
    channels: Collection[str] = (),
    languages: Collection[str] = (),
) -> tuple[Change, Statement]:
    """Draft a message now, on the channels and in the languages of the playbook's step for it unless others are given.

    Those who approve that step's texts are asked. Raises NotAllowed.
    """
    _open(snapshot)
    if not is_outward(message) or message == CORRECTION:
        kinds = ", ".join(OUTWARD)
        raise NotAllowed(f"{message!r} is no message to the public that can be drafted; its name begins with {kinds}.")
    like = _like(snapshot, message)
    given = like.with_
    channels, languages = channels or given.get("channels", ()), languages or given.get("languages", ())
    must_post(snapshot.house, channels)
    chosen = {**_titled(given), "message": message, "channels": list(channels), "languages": list(languages)}
    promised = promise.promised(snapshot, message)
    try:
        statement = drafted(snapshot, _name(snapshot), message, channels, languages, promised)
    except (WordingError, TooLong) as error:
        raise NotAllowed(f"{message} can't be drafted: {error}.") from None
    statement = statement.model_copy(
        update={"drafted_by": by, "four_eyes": bool(like.approval and like.approval.four_eyes)}
    )
    return _begun(snapshot, statement, chosen, like.approval, by), statement


def must_post(house: House, channels: Collection[str]) -> None:
    """Raise NotAllowed where statements don't go out on all of these channels."""
    unknown = [name for name in channels if name not in house.posting()]
    if unknown:
        raise NotAllowed(f"No statements go out on {', '.join(unknown)}; there are {', '.join(house.posting())}.")


def _titled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The headlines of the step whose place a statement by hand takes."""
    return {key: value for key, value in given.items() if key == "title"}


def _open(snapshot: "Snapshot") -> None:
    if snapshot.incident.status is Status.REVIEWED:
        raise NotAllowed(f"{snapshot.incident.ref} is closed for good; nothing more is said for it.")


def _like(snapshot: "Snapshot", message: str) -> Step:
    """The playbook's step whose places and approval a statement by hand takes: for that message, else the first."""
    publishing = [step for step in snapshot.playbook.all_steps if step.action == "publish_statement"]
    same = [step for step in publishing if step.with_.get("message") == message]
    family = [step for step in publishing if str(step.with_.get("message")).split("_")[0] == message.split("_")[0]]
    if not publishing:
        raise NotAllowed(f"{snapshot.playbook.playbook} publishes nothing; its playbook has no publish_statement step.")
    return [*same, *family, *publishing][0]


def _name(snapshot: "Snapshot") -> str:
    mine = [state.occurrence for state in snapshot.steps if state.key == BY_HAND]
    return f"{BY_HAND}#{max(mine, default=0) + 1}"


def _begun(
    snapshot: "Snapshot",
    statement: Statement,
    chosen: Mapping[str, Any],
    approval: Approval | None,
    by: str,
    anyway: str = "",
) -> Change:
    """The statement, and the step that carries it."""
    rule = approval or Approval.model_validate({"by": "comms_lead", "within": "10m", "then": "duty_manager"})
    step = Step.model_validate({"key": BY_HAND, "action": "publish_statement", "with": dict(chosen)})
    spec = step.model_copy(update={"approval": rule}).model_dump(mode="json", by_alias=True)
    key, _, occurrence = statement.step.partition("#")
    state = StepState(
        incident=snapshot.incident.number,
        key=key,
        occurrence=int(occurrence),
        for_what="its turn",
        nudged=True,
        started_at=snapshot.now,
        memo={"spec": spec},
    )
    who = name_of(snapshot, by)
    what = "correction drafted" if statement.corrects else f"{statement.message} drafted"
    told = f"{what} by {who}" + (f"; what the lint would stop stands because: {anyway}" if anyway else "")
    said = entry(snapshot, statement, "StatementDrafted", told, snapshot.now, actor=by)
    return Change(records=(state, statement), entries=(said,))


# ---------------------------------------------------------------- correcting


def correct(
    snapshot: "Snapshot",
    words: Mapping[str, str],
    by: str,
    roles: Collection[str],
    what_changed: str = "",
    anyway: str = "",
) -> tuple[Change, Statement]:
    """Put other words everywhere in the place of what the public sees now.

    `words`: language → the new text, at least one; in other languages it is said which language they are in. Where
    the person may approve and no second pair of eyes is asked for, it goes out at once, else it waits for approval.
    Words that must not be published are refused, unless `anyway` says why they stand. Raises NotAllowed.
    """
    _open(snapshot)
    words = {language: text.strip() for language, text in words.items() if text.strip()}
    if not words:
        raise NotAllowed("A correction can't be empty; write what is right, and when the next word comes.")
    for language, text in words.items():
        stopped = stops(snapshot, CORRECTION, "", language, text, None)
        if stopped and not anyway:
            raise NotAllowed(f"The text in {language!r}: {stopped[0].text}")
    standing = places(snapshot)
    if not standing:
        raise NotAllowed(f"Nothing of {snapshot.incident.ref} is public now, so there is nothing to correct.")
    wrong = max(
        (one for one in snapshot.statements if one.key in _keys(standing)), key=lambda one: one.drafted_at, default=None
    )
    if wrong is None:
        raise NotAllowed(
            f"What is public of {snapshot.incident.ref} belongs to no statement; look with statement live."
        )
    statement = _corrected(snapshot, standing, wrong, words, what_changed)
    like = _like(snapshot, wrong.message)
    approval = like.approval.model_copy(update={"publish": "hold"}) if like.approval else None
    statement = statement.model_copy(
        update={"drafted_by": by, "corrects": wrong.key, "four_eyes": bool(approval and approval.four_eyes)}
    )
    chosen = {
        "message": CORRECTION,
        "channels": list(dict.fromkeys(text.channel for text in statement.texts)),
        "languages": list(dict.fromkeys(text.language for text in statement.texts)),
        **_titled(like.with_),
    }
    change = _begun(snapshot, statement, chosen, approval, by, anyway)
    deciders = [role for role in (approval.by, approval.then) if role] if approval else ["comms_lead", "duty_manager"]
    role = acting(deciders, roles)
    if statement.four_eyes or not role:
        return change, statement
    who = name_of(snapshot, by)
    done = {"status": StatementStatus.APPROVED, "approved_at": snapshot.now, "approved_by": by}
    statement = statement.model_copy(update=done)
    told = f"correction approved by {who}"
    said = entry(snapshot, statement, "StatementApproved", told, snapshot.now, actor=by, role=role)
    return Change(records=(change.records[0], statement), entries=(*change.entries, said)), statement


def _keys(standing: Mapping[Any, tuple[Effect, ...]]) -> set[str]:
    return {post.statement for effects in standing.values() for effect in effects if (post := post_of(effect))}


def _corrected(
    snapshot: "Snapshot",
    standing: Mapping[tuple[str, str], tuple[Effect, ...]],
    wrong: Statement,
    words: Mapping[str, str],
    what_changed: str,
) -> Statement:
    """Draft the correction for each place that has something to correct."""
    promised = wrong.next_update_at if wrong.next_update_at and wrong.next_update_at > snapshot.now else None
    first = next(iter(words))
    texts: list[Wordings] = []
    for language in dict.fromkeys(language for _, language in standing):
        channels = [channel for channel, spoken in standing if spoken == language]
        own = language if language in words else first
        old = [
            post.text
            for effects in standing.values()
            for one in effects
            if (post := post_of(one)) and post.language == own
        ]
        more = {
            "text": words[own],
            "text_language": own,
            "corrected_at": wrong.live_at or wrong.drafted_at,
            "changed": changes(max(old, key=len, default=""), words[own]) if not what_changed else [],
            "what_changed": what_changed,
        }
        try:
            texts += drafted(snapshot, _name(snapshot), CORRECTION, channels, [language], promised, more).texts
        except (WordingError, TooLong) as error:
            raise NotAllowed(f"The correction can't be drafted: {error}.") from None
    return Statement(
        key=snapshot.incident.key(_name(snapshot)),
        incident=snapshot.incident.number,
        step=_name(snapshot),
        message=CORRECTION,
        texts=tuple(texts),
        drafted_at=snapshot.now,
        next_update_at=promised,
    )


def changes(old: str, new: str) -> list[dict[str, str]]:
    """Pair the sentences that another text changed, `{"was", "now"}`; empty where it was written anew."""
    before, after = ([text[span.start : span.end] for span in sentences(text)] for text in (old, new))
    found = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            found.append({"was": " ".join(before[i:j]), "now": " ".join(after[k:m])})
    kept = any(sentence in after for sentence in before)
    return found if kept and len(found) <= MOST_CHANGES else []


# ---------------------------------------------------------------- withdrawing


def withdraw(
    snapshot: "Snapshot",
    statement: Statement,
    effects: Collection[Effect],
    by: str,
    roles: Collection[str],
    reason: str,
    amended: Collection[str] = (),
) -> Change:
    """Take a statement away from the public wherever the channel can; on the record it stays. Raises NotAllowed.

    `effects` are all those that post it, `amended` the keys of those in whose place a correction has put its words:
    there nothing of it stands. What is not out yet is forgotten; what may be out is taken away once that is known.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise NotAllowed("Say why it is withdrawn; it stays on the record.")
    if statement.status is StatementStatus.WITHDRAWN:
        at = f"{statement.withdrawn_at:%H:%M} UTC" if statement.withdrawn_at else "before"
        raise NotAllowed(f"{statement.ref} was withdrawn by {name_of(snapshot, statement.withdrawn_by)} at {at}.")
    if not statement.approved_at:
        raise NotAllowed(f"{statement.ref} is {statement.status} and was never public; reject it instead.")
    may = (*approvers(snapshot, statement), "duty_manager")
    if not set(may) & set(roles):
        raise NotAllowed(f"{statement.ref} is for {' or '.join(sorted({*may}))} to withdraw.")
    posted = tuple(one for one in effects if post_of(one) and _may_be_out(one) and one.key not in amended)
    gone = withdrawals(snapshot, statement, posted, reason)
    stays = sorted({one.channel for one in posted} - {one.channel for one in gone})
    after = statement.model_copy(
        update={
            "status": StatementStatus.WITHDRAWN,
            "withdrawn_at": snapshot.now,
            "withdrawn_by": by,
            "withdrawn_because": reason,
        }
    )
    text = f"{statement.ref} ({statement.message}) withdrawn by {name_of(snapshot, by)}: {reason}"
    if stays:
        text += f"; it can't be taken back on {', '.join(stays)}, correct it there"
    queued = (one for one in effects if post_of(one) and one.state is EffectState.QUEUED)
    forget = tuple(one.key for one in queued if not one.uncertain)
    role = acting(may, roles)
    noted = decided(snapshot, after, "StatementWithdrawn", text, by, snapshot.now, role=role)
    return noted + Change(effects=gone, forget=forget)


def _may_be_out(effect: Effect) -> bool:
    """Whether the public may see it: it was sent, is being sent, or an answer to it was lost."""
    return effect.uncertain or effect.state in (EffectState.SENT, EffectState.SENDING, EffectState.UNKNOWN)
