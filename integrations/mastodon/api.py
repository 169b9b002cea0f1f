"""One account at one Mastodon server, by its REST API. The only place that knows the wire; nothing here tries again.

httpx and not Mastodon.py: that one posts forms, tells a failed connection and a lost answer apart by the wording only,
and calls a post that was made rate-limited where it can't read the header that comes with it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from engine.ports import CannotTell, Lost, Refused
from integrations.mastodon import Settings
from integrations.mastodon.errors import unanswered, understood

PAGE = 40
"""Posts that a server gives at once at most: https://docs.joinmastodon.org/methods/accounts/#statuses."""
PAGES = 10

Model = TypeVar("Model", bound=BaseModel)


class Account(BaseModel):
    """As much of an account as is used."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    acct: str


class Status(BaseModel):
    """As much of a post as is used."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    uri: str
    url: str | None = None
    created_at: AwareDatetime
    content: str
    """HTML."""
    language: str | None = None
    """Some servers don't say."""
    in_reply_to_id: str | None = None
    reblog: Any = None
    account: Account


class Api:
    """Safe for several threads. Every method raises Refused or Lost, and Gone where there is no such post."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet. Raises Refused for a token that can't be one."""
        token = settings.access_token.get_secret_value().strip() if settings.access_token else ""
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Refused("access_token holds what no access token holds; copy it again.", permanent=True)
        self._url = settings.server_url.strip().rstrip("/")
        self._me: Account | None = None
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "User-Agent": "irrops"},
            timeout=settings.timeout_s,
            # A connection kept open that the server has closed meanwhile would pass for a lost answer.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def call(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        key: str = "",
    ) -> Any:
        """Ask once, and give the answer's JSON."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._client.request(method, f"{self._url}{path}", json=body, params=params, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unanswered(error, doing) from None
        return understood(answer, doing)

    def me(self) -> Account:
        """The account that the token is for; asked once."""
        if self._me is None:
            told = self.call("GET", "/api/v1/accounts/verify_credentials", "log in")
            self._me = _read(Account, told, "log in")
        return self._me

    def post(self, body: dict[str, Any], key: str) -> Status:
        """Make a post. The server remembers `key` for an hour, where it does."""
        return _read(Status, self.call("POST", "/api/v1/statuses", "post", body=body, key=key), "post")

    def edit(self, id: str, body: dict[str, Any]) -> Status:
        """Put other words in a post."""
        doing = "edit the post"
        return _read(Status, self.call("PUT", f"/api/v1/statuses/{id}", doing, body=body), doing)

    def delete(self, id: str) -> None:
        """Delete a post."""
        self.call("DELETE", f"/api/v1/statuses/{id}", "withdraw the post")

    def get(self, id: str) -> Status:
        """Read a post as the public sees it."""
        doing = "look at the post"
        return _read(Status, self.call("GET", f"/api/v1/statuses/{id}", doing), doing)

    def source(self, id: str) -> str | None:
        """Read what a post was written as; None where the server does not tell."""
        try:
            told = self.call("GET", f"/api/v1/statuses/{id}/source", "look at the post")
        except Refused as error:
            if error.permanent:
                return None
            raise
        text = told.get("text") if isinstance(told, dict) else None
        return text if isinstance(text, str) else None

    def posts_since(self, since: datetime) -> Iterator[Status]:
        """Our own posts since an instant, newest first. Raises CannotTell where there are more than are read."""
        doing, path = "look up our posts", f"/api/v1/accounts/{self.me().id}/statuses"
        params = {"limit": str(PAGE), "exclude_reblogs": "true"}
        for _ in range(PAGES):
            told = self.call("GET", path, doing, params=params)
            page = [_read(Status, one, doing) for one in (told if isinstance(told, list) else [told])]
            yield from (status for status in page if status.created_at >= since)
            if not page or page[-1].created_at < since:
                return
            params["max_id"] = page[-1].id
        raise CannotTell(f"The account has over {PAGE * PAGES} posts since then; look whether this one is among them.")

    def recent(self) -> Any:
        """Our newest post, if there is one: shows whether the token may read."""
        path = f"/api/v1/accounts/{self.me().id}/statuses"
        return self.call("GET", path, "look up our posts", params={"limit": "1"})

    def instance(self) -> Any:
        """What the server says of itself and its limits."""
        try:
            return self.call("GET", "/api/v2/instance", "look up the server's limits")
        except Refused as error:
            if not error.permanent:
                raise
        return self.call("GET", "/api/v1/instance", "look up the server's limits")

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()


def _read(model: type[Model], told: Any, doing: str) -> Model:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        missing = ", ".join(sorted({str(one["loc"][0]) if one["loc"] else "all" for one in error.errors()}))
        raise Lost(f"Mastodon's answer can't be understood ({doing}): look at {missing}.") from None
