"""Serve the page at an address, to allowed hosts, without keeping anything of its visitors."""

import socket
from asyncio import Queue
from collections import Counter
from collections.abc import Sequence

from gradio import Blocks
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache
from starlette.middleware import Middleware

from textgan.app.control import AT_ONCE
from textgan.app.edit_tab import EDITED
from textgan.app.guard import Guard
from textgan.app.style import STYLE, theme

_EVERYWHERE = ("0.0.0.0", "::")  # they mean all addresses of the machine
_MOST_UNREAD = 128  # visitors without an open stream whose answers are kept
_MOST_VISITORS = 4000  # at a time


def launch(
    page: Blocks,
    *,
    host: str,
    port: int | None,
    open_browser: bool,
    allow_hosts: Sequence[str] = (),
) -> str:
    """Serve the page from a thread -> its address.

    The page requests nothing from other hosts. It answers only to the names and addresses of this
    machine and to `allow_hosts`, and only on the routes that it needs (`Guard`). Port None is the
    first free one from 7860.

    Raises:
        OSError: the port is taken.
    """
    own = {"localhost", "127.0.0.1", "::1", host, socket.gethostname(), *allow_hosts}
    any_address, listeners = host in _EVERYWHERE, Counter()
    takers = {number for number, function in page.fns.items() if function.name == EDITED}

    def taken() -> int:
        events = list(page._queue.event_ids_to_events.values())
        return sum(event.fn._id in takers for event in events)

    facts = {"hosts": own, "any_address": any_address, "functions": len(page.fns)}
    guard = Middleware(Guard, **facts, listeners=listeners, takers=takers, taken=taken)
    app, address, _ = page.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        inbrowser=open_browser,
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        theme=theme(),
        css=STYLE,
        app_kwargs={"middleware": [guard]},
        max_threads=2 * AT_ONCE,
    )
    page._queue.pending_messages_per_session = _Mailboxes(page, listeners)
    app.state_holder = _OneSession()
    app.state_holder.set_blocks(page)
    return address


class _OneSession(StateHolder):
    """One state for all visitors.

    Gradio keeps the last content of the page for each of 10,000 visitors, 1 MB for an animation.
    This page never reads it.
    """

    def __getitem__(self, session_id: str) -> SessionState:
        return super().__getitem__("")

    def __contains__(self, session_id: str) -> bool:
        return super().__contains__("")


class _Mailboxes(LRUCache):
    """The unread answers of each visitor.

    Gradio would keep the answers of 2,000 visitors for ever, megabytes for a visitor who requests
    animations and never reads them. Here a box is removed once its answers were read, and only the
    latest boxes of visitors without an open stream are kept.

    Args:
        page: the owner of the queue.
        listeners: the number of open streams of each visitor.
    """

    def __init__(self, page: Blocks, listeners: Counter[str]):
        super().__init__(_MOST_VISITORS)
        self.page, self.listeners = page, listeners

    def __setitem__(self, visitor: str, box: Queue) -> None:
        expected = self.page._queue.pending_event_ids_session
        closed = [one for one in self if one not in self.listeners]
        read = [one for one in closed if not expected.get(one)]
        unread = [one for one in closed if expected.get(one) and not self[one].empty()]
        for old in [*read, *unread[:-_MOST_UNREAD]]:
            del self[old]
            expected.pop(old, None)
        super().__setitem__(visitor, box)
