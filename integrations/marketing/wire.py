"""One HTTP exchange with a scheduler: sent once, its failure named. What is said, and why, is elsewhere."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from engine.ports import ASKS_TO_WAIT, Lost, Refused
from integrations.marketing import Settings

Model = TypeVar("Model", bound=BaseModel)


class NotThere(Refused):
    """What was asked for is not there, or no longer."""


class NotSo(Refused):
    """The request was understood, and this one thing can't be done."""


_LATER = frozenset({408, 409, 423, 425, 429, 503})


def client(settings: Settings) -> httpx.Client:
    """A client that sends once, follows nothing, and carries the token."""
    headers = {"Accept": "application/json", "User-Agent": "irrops"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    return httpx.Client(timeout=settings.timeout_s, headers=headers, follow_redirects=False)


def tell(there: httpx.Client, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send what changes something. Raises Refused, or Lost when it may have happened."""
    try:
        response = there.request(method, url, content=body, headers={"Content-Type": "application/json", **headers})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unanswered(error) from error
    if not response.is_success:
        raise _meaning(response)


def ask(there: httpx.Client, url: str, headers: Mapping[str, str] = {}, params: Mapping[str, str | int] = {}) -> Any:
    """Read JSON. Without an answer nothing is lost, so it raises Refused only."""
    try:
        response = there.get(url, headers=dict(headers), params=dict(params) or None)
        if not response.is_success:
            raise _meaning(response)
    except (httpx.HTTPError, httpx.InvalidURL, Lost) as error:
        failure = error if isinstance(error, Lost) else _unanswered(error)
        if isinstance(failure, Refused):
            raise failure from error
        raise Refused(f"{failure} Asking again is harmless.", permanent=False) from error
    try:
        return response.json()
    except ValueError:
        kind = response.headers.get("content-type", "nothing").partition(";")[0]
        raise Refused(f"The scheduler answers {kind} where JSON is expected; see its url.", permanent=False) from None


def understood(model: type[Model], answer: Any, expected: str) -> Model:
    """Read an answer strictly. Raises Refused that says what is expected."""
    try:
        return model.model_validate(answer, strict=True)
    except ValidationError:
        raise Refused(f"The scheduler's answer can't be understood; expected is {expected}.", permanent=False) from None


def _meaning(response: httpx.Response) -> Refused | Lost:
    status, why = response.status_code, f"HTTP {response.status_code}"
    if status in _LATER:
        after = response.headers.get("retry-after", "")
        wait = float(after) if after.isdecimal() else None
        return Refused(f"The scheduler {ASKS_TO_WAIT} ({why}).", permanent=False, retry_after=wait)
    if status in (401, 403):
        text = f"The scheduler refuses us ({why}); correct marketing.token or marketing.secret, or give it the right."
        return Refused(text, permanent=True)
    if 300 <= status < 400:
        return Refused(f"The scheduler has moved ({why}); correct marketing.url.", permanent=True)
    if 400 <= status < 500:
        refused = {404: NotThere, 410: NotThere, 422: NotSo}.get(status, Refused)
        return refused(f"The scheduler refuses the request ({why}); see marketing.url.", permanent=True)
    return Lost(f"The scheduler's answer leaves open whether it was done ({why}).")


def _unanswered(error: Exception) -> Refused | Lost:
    """Nothing happened for sure only where not even the connection was made."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Refused("The scheduler's address is none; correct marketing.url.", permanent=True)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return Refused("The scheduler can't be reached; see the network, and marketing.url.", permanent=False)
    return Lost(f"No answer came from the scheduler ({type(error).__name__}).")
