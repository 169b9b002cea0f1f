"""One page at Facebook: its posts by the Graph API. The only place that knows the client.

The token goes in a header, never in an address: addresses end in logs.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.ports import CannotTell, Lost, Refused
from integrations.calls import Answer, call, open_client
from integrations.facebook import Settings
from integrations.facebook.errors import READS, WRITES, error, is_missing, meaning

FIELDS = "message,is_published,is_hidden,created_time"
PAGE, MOST_PAGES = 100, 10
"""Posts a page, the most Facebook gives, and how far back we look:
https://developers.facebook.com/docs/graph-api/reference/page/feed/."""


@dataclass(frozen=True)
class Seen:
    """A post as Facebook has it. `public`: published and not hidden."""

    id: str
    text: str
    public: bool


class Page:
    """Safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        token = settings.page_token.get_secret_value().strip() if settings.page_token else ""
        secret = settings.app_secret.get_secret_value().strip() if settings.app_secret else ""
        self.id = settings.page
        self._token = token
        self._proof = {"appsecret_proof": proof(token, secret)} if secret else {}
        self._client = open_client(
            "Facebook", settings.api_url, settings.timeout_s, headers={"Authorization": f"Bearer {token}"}
        )

    def post(self, text: str) -> str:
        """Post once; returns the id. Raises Refused or Lost: https://developers.facebook.com/docs/pages-api/posts."""
        answer = self._write("POST", f"/{self.id}/feed", "post", {"message": text})
        if not (answer.body or {}).get("id"):
            raise Lost("Facebook's answer to a post can't be understood.")
        return str((answer.body or {})["id"])

    def amend(self, id: str, text: str) -> None:
        """Put other words into a post; done twice it is done. Only the app that made a post may. Raises as `post`."""
        answer = self._write("POST", f"/{id}", "edit a post", {"message": text})
        if (answer.body or {}).get("success") is not True:
            raise Lost("Facebook's answer to an edit can't be understood.")

    def delete(self, id: str) -> None:
        """Delete a post; one that is gone is done. Raises Refused or Lost."""
        answer = call(self._client, "Facebook", "DELETE", f"/{id}", params=self._proof)
        if is_missing(answer) and self._gone():
            return
        if answer.status != 200 or error(answer):
            raise meaning(answer, "delete a post", WRITES)
        if (answer.body or {}).get("success") is not True:
            raise Lost("Facebook's answer to a deletion can't be understood.")

    def get(self, id: str) -> Seen | None:
        """Read a post; None where there is none. Raises Refused."""
        answer = self._ask(f"/{id}", {"fields": FIELDS})
        if is_missing(answer) and self._gone():
            return None
        return _seen(self._good(answer, "look up a post"))[0]

    def posts(self, since: datetime) -> Iterator[Seen]:
        """The page's own posts since an instant, newest first. Raises Refused, and CannotTell beyond 1,000."""
        params = {"fields": FIELDS, "since": str(int(since.astimezone(UTC).timestamp())), "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            answer = self._good(self._ask(f"/{self.id}/posts", params), "read our posts")
            yield from _seen(answer)
            onward = ((answer.body or {}).get("paging") or {}).get("next")
            if not onward:
                return
            params = {name: value for name, value in parse_qsl(urlsplit(onward).query) if name in _CARRIED}
        raise CannotTell(f"The page on Facebook has made over {PAGE * MOST_PAGES} posts since; look there and decide.")

    def me(self) -> str:
        """The id of whom the token is of. Raises Refused: https://developers.facebook.com/docs/graph-api/overview/."""
        answer = self._good(self._ask("/me", {"fields": "id,name"}), "see whose token this is")
        return str((answer.body or {}).get("id") or "")

    def token(self) -> dict[str, Any]:
        """What Facebook knows of the token: `scopes`, `expires_at` (0: never). Empty where it does not tell.

        https://developers.facebook.com/docs/graph-api/reference/debug_token wants the token in the address; as one of
        a batch it goes in the body: https://developers.facebook.com/docs/graph-api/batch-requests.
        """
        one = json.dumps([{"method": "GET", "relative_url": f"debug_token?input_token={self._token}"}])
        try:
            answer = call(self._client, "Facebook", "POST", "/", data={"batch": one, **self._proof})
        except (Refused, Lost):
            return {}
        return _debugged(answer)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _write(self, method: str, path: str, doing: str, form: dict[str, str]) -> Answer:
        answer = call(self._client, "Facebook", method, path, data={**form, **self._proof})
        if answer.status != 200 or error(answer):
            raise meaning(answer, doing, WRITES)
        return answer

    def _ask(self, path: str, params: dict[str, str]) -> Answer:
        """Read something. Nothing changes there, so that what is lost is only refused for now."""
        try:
            return call(self._client, "Facebook", "GET", path, params={**params, **self._proof})
        except Lost as lost:
            raise Refused(str(lost), permanent=False) from None

    def _good(self, answer: Answer, doing: str) -> Answer:
        if answer.status == 200 and answer.body is not None and not error(answer):
            return answer
        told = meaning(answer, doing, READS)
        raise told if isinstance(told, Refused) else Refused(str(told), permanent=False)

    def _gone(self) -> bool:
        """Whether what is missing is gone: the token is good and the page's own. Raises Refused."""
        whose = self.me()
        if whose != self.id:
            raise Refused(other_page(whose, self.id), permanent=True)
        return True


_CARRIED = frozenset({"fields", "since", "until", "limit", "after", "__paging_token"})
"""What we take over from the address of the next page, which has the token in it too."""


def proof(token: str, secret: str) -> str:
    """Prove that we have the app's secret: https://developers.facebook.com/docs/graph-api/guides/secure-requests."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def other_page(whose: str, page: str) -> str:
    """Say that the token is of somebody else."""
    return (
        f"The page token is of {whose or 'nobody'}, not of the page {page}; set the id of the page, or its own token."
    )


def _seen(answer: Answer) -> list[Seen]:
    """Read the posts of an answer, which is one of them or has a list in `data`. Raises Refused."""
    body = answer.body or {}
    found = body.get("data", [body])
    try:
        return [
            Seen(
                str(one["id"]),
                str(one.get("message", "")),
                one.get("is_published", True) is True and one.get("is_hidden", False) is not True,
            )
            for one in found
        ]
    except (KeyError, TypeError, AttributeError):
        raise Refused("Facebook's answer about posts can't be understood.", permanent=False) from None


def _debugged(answer: Answer) -> dict[str, Any]:
    """Dig the token out of a batch's answer: a list with an answer each, whose body is JSON in a string."""
    try:
        told = json.loads(answer.many[0]["body"])["data"]
    except (LookupError, TypeError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
