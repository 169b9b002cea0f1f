"""One logged-in account at Bluesky's server: puts and gets records. The only place that knows the client."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any

from atproto import Client, Request, Session, SessionEvent, models
from atproto.exceptions import BadRequestError
from atproto_client.utils.facet_detection import detect_facets

from engine.effects import Post, Receipt
from engine.ports import Lost, Refused
from integrations.bluesky import Settings
from integrations.bluesky.errors import RAISED, SessionEnded, error_name, meaning

COLLECTION = "app.bsky.feed.post"


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

    def put(self, rkey: str, post: Post) -> Receipt:
        """Write the record, or leave it as it is. Raises Refused or Lost."""
        put = models.ComAtprotoRepoPutRecord.Data(
            repo=self.did, collection=COLLECTION, rkey=rkey, record=record(post), validate_=None
        )
        with self._mapped("post"):
            answer = self._client.com.atproto.repo.put_record(put)
        return self._receipt(rkey, str(answer.cid))

    def get(self, rkey: str) -> tuple[str, Receipt] | None:
        """Read a record: its text and receipt, or None where there is none. Raises Refused or Lost."""
        where = models.ComAtprotoRepoGetRecord.Params(repo=self.did, collection=COLLECTION, rkey=rkey)
        with self._mapped("look up a post"):
            try:
                found = self._client.com.atproto.repo.get_record(where)
            except BadRequestError as error:
                if error_name(error) == "RecordNotFound":
                    return None
                raise
        return str(found.value["text"]), self._receipt(rkey, str(found.cid))

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

    def _receipt(self, rkey: str, cid: str) -> Receipt:
        return Receipt(
            id=f"at://{self.did}/{COLLECTION}/{rkey}",
            place=self.did,
            url=f"https://bsky.app/profile/{self.did}/post/{rkey}",
            facts={"cid": cid},
        )


def record(post: Post) -> dict[str, Any]:
    """Build the record, from the post alone, so that every send is the same bytes. Facets count in bytes of UTF-8."""
    facets = [facet.model_dump(by_alias=True, exclude_none=True) for facet in detect_facets(post.text)]
    moment = post.drafted_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    plain = {"$type": COLLECTION, "text": post.text, "langs": [post.language], "createdAt": moment}
    return {**plain, "facets": facets} if facets else plain
