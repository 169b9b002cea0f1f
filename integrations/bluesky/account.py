"""One logged-in account at Bluesky's server: puts, gets and deletes records. The only place that knows the client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from typing import Any, NamedTuple

from atproto import Client, Request, Session, SessionEvent, models
from atproto.exceptions import BadRequestError

from engine.effects import Post, Receipt
from engine.ports import Lost, Refused
from integrations.bluesky import Settings
from integrations.bluesky.errors import RAISED, SessionEnded, error_name, meaning
from integrations.bluesky.facets import facets

COLLECTION = "app.bsky.feed.post"


class Found(NamedTuple):
    """A record as it stands."""

    text: str
    receipt: Receipt


class Account:
    """Safe for several threads; renews its session by itself. `ended`: the session is over, make another."""

    def __init__(self, settings: Settings) -> None:
        """Log in. Raises Refused only: logging in posts nothing, so nothing can be lost."""
        self.ended = False
        self.did = ""
        self._client = Client(settings.service_url, request=Request(timeout=settings.timeout_s))
        self._client.on_session_change(self._remember)
        try:
            with self._mapped("log in"):
                password = settings.app_password.get_secret_value() if settings.app_password else ""
                self._client.login(settings.handle, password, fetch_bsky_profile=False)
        except (Refused, Lost) as error:
            self.close()
            raise error if isinstance(error, Refused) else Refused(str(error), permanent=False) from None

    def put(self, rkey: str, post: Post, answers: Receipt | None) -> Receipt:
        """Write the record, or leave it as it is. Raises Refused or Lost."""
        value = record(post, answers)
        put = models.ComAtprotoRepoPutRecord.Data(
            repo=self.did, collection=COLLECTION, rkey=rkey, record=value, validate_=None
        )
        with self._mapped("post"):
            answer = self._client.com.atproto.repo.put_record(put)
        return self._receipt(rkey, str(answer.cid), value)

    def get(self, rkey: str) -> Found | None:
        """Read a record; None where there is none. Raises Refused or Lost."""
        where = models.ComAtprotoRepoGetRecord.Params(repo=self.did, collection=COLLECTION, rkey=rkey)
        with self._mapped("look up a post"):
            try:
                found = self._client.com.atproto.repo.get_record(where)
            except BadRequestError as error:
                if error_name(error) == "RecordNotFound":
                    return None
                raise
            value = models.utils.get_model_as_dict(found.value)
            return Found(str(value["text"]), self._receipt(rkey, str(found.cid), value))

    def delete(self, rkey: str) -> None:
        """Delete a record; one that is not there is deleted. Raises Refused or Lost."""
        data = models.ComAtprotoRepoDeleteRecord.Data(repo=self.did, collection=COLLECTION, rkey=rkey)
        with self._mapped("withdraw a post"):
            self._client.com.atproto.repo.delete_record(data)

    def close(self) -> None:
        """Let the connections go."""
        self._client.request.close()

    def _remember(self, event: SessionEvent, session: Session) -> None:
        self.did = session.did

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        try:
            yield
        except RAISED as error:
            told = meaning(error, doing)
            self.ended = self.ended or isinstance(told, SessionEnded)
            raise told from None

    def _receipt(self, rkey: str, cid: str, value: Mapping[str, Any]) -> Receipt:
        """The receipt of a record; `root` is where its thread begins, unless with itself."""
        facts: dict[str, Any] = {"cid": cid}
        if reply := value.get("reply"):
            facts["root"] = {"uri": reply["root"]["uri"], "cid": reply["root"]["cid"]}
        return Receipt(
            id=f"at://{self.did}/{COLLECTION}/{rkey}",
            place=self.did,
            url=f"https://bsky.app/profile/{self.did}/post/{rkey}",
            facts=facts,
        )


def record(post: Post, answers: Receipt | None = None) -> dict[str, Any]:
    """Build the record, from the post and what it answers alone, so that every send is the same bytes."""
    moment = post.drafted_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made: dict[str, Any] = {"$type": COLLECTION, "text": post.text, "langs": [post.language], "createdAt": moment}
    if marked := facets(post.text):
        made["facets"] = marked
    if answers:
        parent = {"uri": answers.id, "cid": answers.facts["cid"]}
        made["reply"] = {"root": answers.facts.get("root", parent), "parent": parent}
    return made
