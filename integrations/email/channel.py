"""E-mail as a channel: a mail for each message to a person, and statements to lists, which are in `lists`.

A mail's form is in `mail`, its delivery in `server`.
"""

from collections.abc import Callable
from datetime import datetime

from engine.effects import Direct, Message, Post, Receipt
from engine.ports import CannotTell, Refused, TextLimit
from integrations.email import KINDS, LIMIT, Settings, parted
from integrations.email.lists import Lists
from integrations.email.mail import address_of, compose, message_id
from integrations.email.server import opened, submit, try_out


class Email:
    """Mails to one person each, and statements to lists.

    Takes no `revise` and no `amend`: what is in somebody's mailbox can't be changed, and a second mail would not
    replace the first. A mail to one person that is sent twice after a lost answer has the same Message-ID; a
    statement is sent to each address once, by the ledger.
    """

    name = "email"
    kinds = KINDS
    limit: TextLimit | None = LIMIT
    sandbox = False

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings, self._now = settings, now
        self._lists = Lists(settings)

    def send(self, message: Message, key: str, base: Receipt | None = None) -> Receipt:
        """Hand the mail to the server. Raises Refused, or Lost when the server did not say whether it took it.

        Of a Post, `base` is the statement that it corrects, as it was mailed.
        """
        checked = self._checked(message)
        if isinstance(checked, Post):
            return self._lists.send(checked, key, base)
        recipient = address_of(checked)
        mail = compose(checked, key, self._settings, self._now())
        with opened(self._settings) as smtp:
            submit(smtp, self._settings, self._sender, recipient, mail)
        return Receipt(id=message_id(key, self._settings), place=self._settings.host)

    def find(self, message: Message, key: str, base: Receipt | None = None) -> Receipt | None:
        """Look into the ledger for a statement. Of a mail to one person raise CannotTell: their mailbox is theirs."""
        checked = self._checked(message)
        if isinstance(checked, Post):
            return self._lists.find(checked, key, base)
        raise CannotTell("Whether a mail arrived can't be looked up.")

    def check(self) -> list[str]:
        """Connect and log in, and say what is wrong. Nothing is sent."""
        if bool(self._settings.username) != bool(self._settings.password):
            return ["Set both IRROPS_EMAIL_USERNAME and IRROPS_EMAIL_PASSWORD, or neither."]
        try:
            self._complete()
            with opened(self._settings) as smtp:
                try_out(smtp, self._settings, self._sender)
        except Refused as error:
            return [str(error)]
        return self._lists.check()

    @property
    def _sender(self) -> str:
        return parted(self._settings.sender)[1]

    def _checked(self, message: Message) -> Direct | Post:
        if not isinstance(message, Direct | Post):
            raise Refused(
                f"E-mail takes messages to one person and statements, none of kind {message.kind}.", permanent=True
            )
        self._complete()
        return message

    def _complete(self) -> None:
        if not self._settings.complete:
            raise Refused("E-mail has no server; set IRROPS_EMAIL_HOST and IRROPS_EMAIL_SENDER.", permanent=True)
