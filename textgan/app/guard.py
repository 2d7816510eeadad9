"""Refuse requests that the page never sends: other hosts, origins and routes, large bodies."""

import asyncio
import ipaddress
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Set
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 65_536  # of a request's body; two captions of 1,000 characters need at most 24,000
# A PNG of 256 x 256 pixels has at most 263,000 bytes, and in base64 351,000; a mask has far fewer.
MOST_PICTURE_BYTES = 524_288  # of the body of a request with a picture
MOST_PICTURES = 64  # such requests that arrive, wait or are answered at a time: 34 MB
MOST_SECONDS = 20  # until a body must have arrived
_JOIN, _STREAM = "/gradio_api/queue/join", "/gradio_api/queue/data"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:@/\\?#\[\]]+)(:\d{1,5})?", re.IGNORECASE)
# The routes that Gradio's page uses. Gradio serves more: uploads, files, a proxy, calls that skip
# the queue, a monitor, and an editor of the page's source.
_OPEN = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/manifest\.json"
        r"|/(assets|static|svelte)/.+"
        r"|/gradio_api/(theme\.css|startup-events|queue/data|heartbeat/[\w-]{1,64})"
    ),
    "HEAD": re.compile(r"/"),
    "POST": re.compile(rf"{_JOIN}|/gradio_api/(cancel|reset)/?"),
}


class Guard:
    """ASGI middleware that refuses every request that the page itself never sends.

    The Host header must be a name of the page: otherwise another web site whose name is made to
    point at this machine (DNS rebinding) could read and use the page. The Origin must be the page
    as well: otherwise that site could at least send requests. Starlette's `TrustedHostMiddleware`
    checks neither the Origin nor addresses that are known only at the time of the request.

    Args:
        app: the guarded application.
        hosts: names and addresses of the page, without ports.
        any_address: whether every IP address is allowed too, for a page that listens at all
            addresses of the machine. That is safe, since rebinding needs a name.
        functions: the number of functions that `queue/join` can call.
        takers: those of them that take a picture, whose requests may be larger.
        taken: returns the number of requests for these functions that wait or are answered.
        listeners: updated with the number of open streams of each visitor.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: set[str],
        any_address: bool,
        functions: int,
        listeners: Counter[str],
        takers: Set[int] = frozenset(),
        taken: Callable[[], int] = lambda: 0,
    ):
        self.app, self.any_address, self.functions = app, any_address, functions
        self.listeners, self.takers, self.taken = listeners, takers, taken
        self._arriving = 0  # requests with a picture
        self.hosts = {_bare(host) for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal, has_picture = self._refuse(scope), _length(scope) > MOST_BYTES
        if refusal is None and has_picture and self._arriving + self.taken() >= MOST_PICTURES:
            refusal = PlainTextResponse("Too many pictures wait: try again soon.", 503)
        if refusal is not None:
            await _close(refusal, scope, receive, send)
        elif scope["method"] == "POST":
            self._arriving += has_picture
            try:
                await self._post(scope, receive, send)
            finally:
                self._arriving -= has_picture
        elif scope["path"] == _STREAM:
            await self._listen(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a request with a body, once all of it has arrived and is one of the page's."""
        body = await _read(receive, max(MOST_BYTES, _length(scope)))
        refusal = body if isinstance(body, Response) else self._refuse_body(scope, body)
        if refusal is not None:
            await _close(refusal, scope, receive, send)
        else:
            await self.app(scope, _replay(body, receive), send)

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream of a visitor's answers, and count it while it is open."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        session = query.get("session_hash", [""])[0]
        self.listeners[session] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.listeners[session] -= 1
            if not self.listeners[session]:
                del self.listeners[session]

    def _refuse(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if not self._knows(host):
            rule = f"The page is not served as {host!r:.80}; --allow_host NAME allows a name."
            return PlainTextResponse(rule, 400)
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin, host):
            return PlainTextResponse(f"Pages of {origin!r:.80} may not use this one.", 403)
        if not _OPEN.get(scope["method"], _NOTHING).fullmatch(path):
            return PlainTextResponse(f"The page has no {scope['method']} {path!r:.80}.", 404)
        most = MOST_PICTURE_BYTES if self.takers and path == _JOIN else MOST_BYTES
        return None if _length(scope) <= most else _too_large(most)

    def _knows(self, host: str) -> bool:
        """True if a Host header names the page."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = _bare(found["name"])
        return name in self.hosts or (self.any_address and _is_address(name))

    def _is_own(self, origin: str, host: str) -> bool:
        """True if an Origin is the page: its Host, or (behind a proxy) an allowed public name.

        A name of this machine itself must be the Host, since another program may serve a page at
        another port.
        """
        found = re.fullmatch(r"https?://([^/]+)", origin)
        if found is None:
            return False
        try:
            name = urlsplit(f"//{found[1]}").hostname
        except ValueError:
            return False
        is_public = name in self.hosts and name != "localhost" and not _is_address(name)
        return is_public or found[1].lower() == host.lower()

    def _refuse_body(self, scope: Scope, body: bytes) -> Response | None:
        """Refuse a body that Gradio would answer with an error of the server."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return PlainTextResponse("The request's body must be JSON.", 422)
        if not isinstance(content, dict):
            return PlainTextResponse("The request's body must be a JSON object.", 422)
        if scope["path"] != _JOIN:
            return None
        chosen, session = content.get("fn_index"), content.get("session_hash")
        if type(chosen) is not int or not 0 <= chosen < self.functions:
            rule = f"fn_index must be a whole number below {self.functions}"
            return PlainTextResponse(f"{rule}, got {chosen!r:.80}.", 422)
        if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session):
            return PlainTextResponse("session_hash must be 1 to 64 letters and digits.", 422)
        if len(body) > MOST_BYTES and chosen not in self.takers:
            return _too_large(MOST_BYTES)
        return _refuse_values(content)


_NOTHING = re.compile(r"(?!)")  # matches nothing


def _bare(name: str) -> str:
    """A host in lower case, without the brackets of an IPv6 address."""
    return name.strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _length(scope: Scope) -> float:
    """The declared length of a body in bytes, infinite if it is no number."""
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if re.fullmatch(r"[0-9]{1,15}", length) else math.inf


def _too_large(most: int) -> Response:
    return PlainTextResponse(f"A request may have {most:,} bytes.", 413)


def _refuse_values(content: dict[str, Any]) -> Response | None:
    """Refuse values that are no texts, numbers, truth values or None.

    Gradio takes an object with a path and a type for a file, and copies or downloads it.
    """
    values, event = content.get("data"), content.get("event_data")
    if not isinstance(values, list) or not all(map(_is_plain, values)):
        return PlainTextResponse("data must be a list of texts and numbers.", 422)
    if event is not None and not isinstance(event, dict):
        return PlainTextResponse("event_data must be an object.", 422)
    if event is not None and not all(map(_is_plain, event.values())):
        return PlainTextResponse("event_data must have texts and numbers as values.", 422)
    return None


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


async def _close(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    refusal.headers["connection"] = "close"  # the rest of the body is not read
    await refusal(scope, receive, send)


async def _read(receive: Receive, most: int) -> bytes | Response:
    """Read the body of a request, or return the response that refuses it."""
    try:
        return await asyncio.wait_for(_collect(receive, most), MOST_SECONDS)
    except asyncio.TimeoutError:
        return PlainTextResponse("The request did not arrive in time.", 408)


async def _collect(receive: Receive, most: int) -> bytes | Response:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            return _too_large(most)
    return bytes(body)


def _replay(body: bytes | Response, receive: Receive) -> Receive:
    """Return a `receive` that gives the body again, and then the later messages."""
    left = [body] if isinstance(body, bytes) else []

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay
