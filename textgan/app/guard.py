"""Requests that the page never sends are refused: other hosts, origins and routes, large bodies."""

import asyncio
import ipaddress
import json
import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 65_536  # of a request's body; two captions of 1,000 letters have 24 thousand at most
MOST_SECONDS = 20  # that a body may take to arrive
_JOIN, _STREAM = "/gradio_api/queue/join", "/gradio_api/queue/data"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:@/\\?#\[\]]+)(:\d{1,5})?", re.IGNORECASE)
# What Gradio's page asks for while it is used. Gradio serves more: uploads, files, a proxy, calls
# that pass the queue, a monitor, and an editor of the page's source.
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
    """ASGI middleware that refuses whatever the page itself never sends.

    A name in the Host header that is none of the page's would let a stranger's web site, once its
    name has come to mean this machine (DNS rebinding), read and use the page. A foreign Origin
    would let it at least send requests. Starlette's `TrustedHostMiddleware` checks neither the
    Origin nor addresses that are known only at the time of the request.

    Args:
        app: what is guarded.
        hosts: names and addresses by which the page may be called, without ports.
        any_address: whether it may be called by any IP address too, as where it listens at all of
            the machine's. That is safe, since rebinding needs a name.
        functions: how many functions the page has for `queue/join` to choose from.
        listeners: is kept up to date with how many streams each visitor has open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: set[str],
        any_address: bool,
        functions: int,
        listeners: Counter[str],
    ):
        self.app, self.any_address, self.functions = app, any_address, functions
        self.listeners = listeners
        self.hosts = {_bare(host) for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refuse(scope)
        if refusal is None and scope["method"] == "POST":
            body = await _read(receive)
            refusal = body if isinstance(body, Response) else self._refuse_body(scope, body)
            receive = _replay(body, receive)
        if refusal is not None:
            refusal.headers["connection"] = "close"  # what is left of the body is not read
            await refusal(scope, receive, send)
        elif scope["path"] == _STREAM:
            await self._listen(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream of a visitor's answers, and count it among the open ones."""
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
            said = f"The page is not served as {host!r:.80}; --allow_host NAME allows a name."
            return PlainTextResponse(said, 400)
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin, host):
            return PlainTextResponse(f"Pages of {origin!r:.80} may not use this one.", 403)
        if not _OPEN.get(scope["method"], _NOTHING).fullmatch(path):
            return PlainTextResponse(f"The page has no {scope['method']} {path!r:.80}.", 404)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
            return _too_large()
        return None

    def _knows(self, host: str) -> bool:
        """Whether this Host header means the page."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = _bare(found["name"])
        return name in self.hosts or (self.any_address and _is_address(name))

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin is the page itself: its Host, or (behind a proxy) an allowed name."""
        there = re.fullmatch(r"https?://([^/]+)", origin)
        if there is None:
            return False
        if there[1].lower() == host.lower():
            return True
        return _is_public(self.hosts, there[1])

    def _refuse_body(self, scope: Scope, body: bytes) -> Response | None:
        """Refuse what Gradio would answer with an error of the server."""
        try:
            wish = json.loads(body)
        except (ValueError, RecursionError):
            return PlainTextResponse("The request's body must be JSON.", 422)
        if not isinstance(wish, dict):
            return PlainTextResponse("The request's body must be a JSON object.", 422)
        if scope["path"] != _JOIN:
            return None
        chosen, session = wish.get("fn_index"), wish.get("session_hash")
        if type(chosen) is not int or not 0 <= chosen < self.functions:
            rule = f"fn_index must be a whole number below {self.functions}"
            return PlainTextResponse(f"{rule}, got {chosen!r:.80}.", 422)
        if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session):
            return PlainTextResponse("session_hash must be 1 to 64 letters and digits.", 422)
        return None


_NOTHING = re.compile(r"(?!)")  # matches nothing


def _bare(name: str) -> str:
    """A host without an IPv6 address's brackets, in small letters."""
    return name.strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_public(hosts: set[str], netloc: str) -> bool:
    """Whether an origin is at a name that was allowed, but not at this machine's own ones.

    Another program of this machine may serve a page at another port of it.
    """
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return False
    return name in hosts and name != "localhost" and not _is_address(name)


def _too_large() -> Response:
    return PlainTextResponse(f"A request may have {MOST_BYTES:,} bytes.", 413)


async def _read(receive: Receive) -> bytes | Response:
    """The whole body of a request, or why it is refused."""
    try:
        return await asyncio.wait_for(_collect(receive), MOST_SECONDS)
    except asyncio.TimeoutError:
        return PlainTextResponse("The request did not arrive in time.", 408)


async def _collect(receive: Receive) -> bytes | Response:
    """The pieces of a body as one, unless there are too many bytes."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            return _too_large()
    return bytes(body)


def _replay(body: bytes | Response, receive: Receive) -> Receive:
    """Hand over the body that was read already, then what comes after it."""
    left = [body] if isinstance(body, bytes) else []

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay
