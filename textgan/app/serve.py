"""The page served: at which address, to whom, and without a trace of its visitors."""

import socket
from asyncio import Queue
from collections import Counter
from collections.abc import Sequence

from gradio import Blocks
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache
from starlette.middleware import Middleware

from textgan.app.guard import Guard
from textgan.app.page import AT_ONCE
from textgan.app.style import STYLE, theme

_EVERYWHERE = ("0.0.0.0", "::")  # addresses to listen at that mean all of the machine's
_MOST_UNREAD = 128  # visitors whose answers are kept though nobody listens to them
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

    It is served at this host alone, and asks for nothing from any other. It answers to the names
    and addresses of this machine only, on the routes that the page itself needs (`Guard`).

    Args:
        page: what `build` returned.
        host: the address to listen at.
        port: None takes the first free one from 7860.
        open_browser: whether to show it in the desktop's browser.
        allow_hosts: further names by which browsers call it, as behind a proxy.

    Raises:
        OSError: the port is taken.
    """
    own = {"localhost", "127.0.0.1", "::1", host, socket.gethostname(), *allow_hosts}
    everywhere = host in _EVERYWHERE
    listeners: Counter[str] = Counter()
    guard = Middleware(
        Guard,
        hosts=own,
        any_address=everywhere,
        functions=len(page.fns),
        listeners=listeners,
    )
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

    Gradio keeps for each of 10,000 visitors what the page showed last, of an animation a megabyte.
    Nothing on this page reads it.
    """

    def __getitem__(self, session_id: str) -> SessionState:
        return super().__getitem__("")

    def __contains__(self, session_id: str) -> bool:
        return super().__contains__("")


class _Mailboxes(LRUCache):
    """The answers that visitors have not yet read, by visitor.

    Gradio would keep one of 2,000 visitors for good, with all that was never read: of one who asks
    for animations and does not listen, megabytes. Here a box is gone once all its answers were
    read, and of those to whom nobody listens only the latest are kept.

    Args:
        page: whose queue it is.
        listeners: how many streams each visitor has open.
    """

    def __init__(self, page: Blocks, listeners: Counter[str]):
        super().__init__(_MOST_VISITORS)
        self.page, self.listeners = page, listeners

    def __setitem__(self, visitor: str, box: Queue) -> None:
        expected = self.page._queue.pending_event_ids_session
        deserted = [one for one in self if one not in self.listeners]
        read = [one for one in deserted if not expected.get(one)]
        unread = [one for one in deserted if expected.get(one) and not self[one].empty()]
        for gone in [*read, *unread[:-_MOST_UNREAD]]:
            del self[gone]
            expected.pop(gone, None)
        super().__setitem__(visitor, box)
