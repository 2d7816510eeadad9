"""Serve a web page on this machine that generates images while the user types."""

import errno
import re
import socket
from pathlib import Path

from textgan.command._model import HELP, add_trust, find_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded
from textgan.process.heap import share_heaps


def main(argv: list[str]) -> int:
    """`textgan demo [FOLDER]`: serve the page, which loads nothing from elsewhere, until Ctrl-C."""
    parser = Parser("textgan demo", description=__doc__)
    parser.add_argument("model", nargs="?", type=expanded, metavar="FOLDER", help=HELP)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address of the page (127.0.0.1: this machine only); 0.0.0.0 opens it to the network",
    )
    parser.add_argument(
        "--allow_host",
        action="append",
        default=[],
        metavar="NAME",
        help="another host name that browsers may use for the page, as behind a proxy; repeatable "
        "(localhost, this machine's name and --host are allowed; with 0.0.0.0, any IP address too)",
    )
    parser.add_argument("--port", type=int, help="port of the page (the first free one from 7860)")
    parser.add_argument(
        "--open", action="store_true", help="open the page in the desktop's browser"
    )
    add_trust(parser)
    words = parser.parse_args(argv)
    host = words.host.removeprefix("[").removesuffix("]")  # of an IPv6 address
    _check_address(host, words.port)
    for name in words.allow_host:
        _check_name(name)
    share_heaps()
    try:
        from textgan.app.page import Model, build
        from textgan.app.serve import launch
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ConfigError("textgan demo needs Gradio: pip install textgan[demo]") from error

    from textgan.app.examples import examples
    from textgan.weights import BUNDLED

    place = find_model(words.model, "sample", trust=words.trust, shown=False)
    # Without a model of one's own, all bundled models are offered.
    is_bundled = words.model is None and place in BUNDLED.values()
    places = [*BUNDLED.values()] if is_bundled else [place]
    models = []
    for one in places:
        pipeline = open_model(str(one), "sample", trust=words.trust, pretrained=words.pretrained)
        try:
            offered = examples(one)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        models.append(Model(pipeline, _name(words.model, one), offered))
    page = build(models)
    try:
        address = launch(
            page,
            host=host,
            port=words.port,
            open_browser=words.open,
            allow_hosts=words.allow_host,
        )
    except OSError as error:
        raise ConfigError(f"the page cannot be served: {error}") from error
    served = " and ".join(str(one) for one in places)
    print(f"{address} serves the model {served} (Ctrl-C ends it)", flush=True)
    page.block_thread()
    return 0


def _check_address(host: str, port: int | None) -> None:
    """Raise ConfigError unless a server can use the address, before the model is loaded."""
    if port is not None and not 1 <= port <= 65535:
        raise ConfigError(f"--port must be from 1 to 65535, got {port}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            rule = f"--port {port} is in use: choose another, or leave it out"
            raise ConfigError(rule) from error
        where = f"--host {host}" + (f" --port {port}" if port else "")
        raise ConfigError(f"{where} cannot be used: {error.strerror}") from error


def _check_name(name: str) -> None:
    """Raise ConfigError unless it is a host name or address without a port."""
    if not re.fullmatch(r"[\w.-]+|\[?([0-9a-fA-F]*:){2,}[0-9a-fA-F.]*\]?", name):
        rule = "--allow_host must be a name such as draw.example.org, without http:// or a port"
        raise ConfigError(f"{rule}, got {name!r:.80}")


def _name(given: str | None, place: Path) -> str:
    """Return the name that the page shows for the model: hub name, run folder, folder or file."""
    if given is not None and not Path(given).exists():
        return given
    place = place.resolve()
    if place.name in ("pipeline", "last.ckpt"):
        return place.parent.name
    return place.stem if place.is_file() else place.name
