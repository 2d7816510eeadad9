"""Requests that the page itself never sends are refused before Gradio sees them."""

import asyncio
import json
from collections import Counter

import httpx
import pytest

guard = pytest.importorskip("textgan.app.guard", reason="needs Gradio: pip install textgan[demo]")
JOIN = "/gradio_api/queue/join"
REQUEST = {"fn_index": 1, "session_hash": "abc", "data": []}


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message.get("body", b"")})


def fetch(
    path="/",
    *,
    method="GET",
    hosts=("localhost", "127.0.0.1", "::1"),
    anywhere=False,
    takers=frozenset(),
    taken=0,
    **sent,
):
    """The answer to a request of the guard, before an app that answers with the request's body."""
    app = guard.Guard(
        echo,
        hosts=set(hosts),
        any_address=anywhere,
        functions=3,
        listeners=Counter(),
        takers=takers,
        taken=lambda: taken,
    )

    async def request():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:7860") as http:
            return await http.request(method, path, **sent)

    return asyncio.run(request())


def post(path=JOIN, **sent):
    return fetch(path, method="POST", **sent)


@pytest.mark.parametrize(
    "host", ["localhost:7860", "LOCALHOST", "127.0.0.1:7860", "[::1]:7860", "[::1]", "localhost:1"]
)
def test_the_machine_itself_is_served(host):
    assert fetch(headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("", "localhost:", "a@localhost", "localhost:7860@evil", "192.0.2.7:7860", "[::2]", "x y"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/heartbeat/a"])
def test_another_host_is_refused_in_words(host, path):
    answer = fetch(path, headers={"host": host})
    assert answer.status_code == 400
    assert "--allow_host" in answer.text
    assert post(json=REQUEST, headers={"host": host}).status_code == 400


def test_where_all_of_the_network_is_let_in_any_address_is_served_but_no_name():
    for host in ("192.0.2.7:7860", "[fe80::1]:7860", "10.0.0.1"):
        assert fetch(headers={"host": host}, anywhere=True).status_code == 200
    for host in ("evil.example", "1.2.3.evil", "192.0.2.777"):
        assert fetch(headers={"host": host}, anywhere=True).status_code == 400


def test_an_allowed_name_is_served():
    sent = {"hosts": ("draw.example.org",), "headers": {"host": "Draw.example.org"}}
    assert fetch(**sent).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://localhost:7860", "localhost:7860", 200),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", 200),
        ("https://draw.example.org", "draw.example.org", 200),
        ("https://draw.example.org", "localhost:7860", 200),  # a proxy that does not hand on Host
        ("http://evil.example", "localhost:7860", 403),
        ("http://localhost:3000", "localhost:7860", 403),  # another program's page
        ("http://127.0.0.1:7860", "localhost:7860", 403),
        ("null", "localhost:7860", 403),
        ("", "localhost:7860", 403),
        ("file://localhost:7860", "localhost:7860", 403),
        ("http://localhost:7860.evil.example", "localhost:7860", 403),
        ("http://[", "localhost:7860", 403),
    ],
)
def test_a_page_of_elsewhere_may_not_sample(origin, host, status):
    hosts = ("localhost", "127.0.0.1", "draw.example.org")
    answer = post(json=REQUEST, hosts=hosts, headers={"origin": origin, "host": host})
    assert answer.status_code == status


CLOSED = {
    "POST": "upload run/samples api/samples call/samples call/v2/samples component_server "
    "process_recording vibe-edit stream/a queue/join/.. queue/join/ / /login /upload",
    "GET": "file=/etc/passwd file/etc/passwd proxy=http://a.hf.space upload_progress info "
    "openapi.json vibe-code runs deep_link user token app_id /monitoring /monitoring/summary "
    "/docs /file=a",
    **{"PUT": "/", "DELETE": "/config", "OPTIONS": JOIN, "PATCH": "/"},
}


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method in CLOSED for path in CLOSED[method].split()]
)
def test_a_route_that_the_page_does_not_need_is_closed(method, path):
    path = path if path.startswith("/") else f"/gradio_api/{path}"
    answer = fetch(path, method=method)
    assert answer.status_code == 404
    assert answer.text.startswith(f"The page has no {method} ")


def test_a_large_body_is_refused_with_its_length_and_without():
    async def pieces():
        for _ in range(100):
            yield b" " * 1000

    assert post(content=b" " * (guard.MOST_BYTES + 1)).status_code == 413
    answer = post(content=pieces())
    assert answer.status_code == 413
    assert answer.text == "A request may have 65,536 bytes."
    assert post(json=REQUEST, headers={"content-length": "-1"}).status_code == 413


def with_picture(length, function=2):
    """A request whose body has this length."""
    sent = {"fn_index": function, "session_hash": "abc", "data": [], "event_data": {"picture": ""}}
    sent["event_data"]["picture"] = "A" * (length - len(json.dumps(sent)))
    return {"content": json.dumps(sent).encode()}


def test_only_a_function_that_takes_a_picture_may_get_a_larger_body():
    most, takers = guard.MOST_PICTURE_BYTES, {2}
    assert post(takers=takers, **with_picture(most)).status_code == 200
    for answer, number in (
        (post(takers=takers, **with_picture(most + 1)), "524,288"),
        (post(takers=takers, **with_picture(most, function=1)), "65,536"),
        (post(takers=takers, content=b" " * 100_000, path="/gradio_api/cancel"), "65,536"),
        (post(**with_picture(most)), "65,536"),
        (post(takers=takers, headers={"content-length": "9" * 5000}), "524,288"),
    ):
        assert answer.status_code == 413
        assert answer.text == f"A request may have {number} bytes."


def test_a_larger_body_must_declare_its_length():
    async def pieces():
        for _ in range(100):
            yield b" " * 1000

    assert post(takers={2}, content=pieces()).status_code == 413


def test_many_pictures_at_a_time_are_refused_and_all_else_is_served():
    full = {"takers": {2}, "taken": guard.MOST_PICTURES}
    answer = post(**full, **with_picture(100_000))
    assert answer.status_code == 503
    assert answer.text == "Too many pictures wait: try again soon."
    assert post(**full, json=REQUEST).status_code == 200
    assert fetch(**full).status_code == 200
    almost = full | {"taken": guard.MOST_PICTURES - 1}
    assert post(**almost, **with_picture(100_000)).status_code == 200


def test_pictures_that_arrive_slowly_are_counted_until_their_time_is_over(monkeypatch):
    monkeypatch.setattr(guard, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(guard, "MOST_PICTURES", 2)
    app = guard.Guard(
        echo,
        hosts={"localhost"},
        any_address=False,
        functions=3,
        listeners=Counter(),
        takers={2},
    )

    async def slow():
        yield b"{"
        await asyncio.sleep(1)

    async def visit():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            headers = {"content-length": "100000"}
            waiting = [
                asyncio.ensure_future(http.post(JOIN, content=slow(), headers=headers))
                for _ in range(2)
            ]
            await asyncio.sleep(0.05)
            refused = await http.post(JOIN, **with_picture(100_000))
            late = [answer.status_code for answer in await asyncio.gather(*waiting)]
            return refused.status_code, late, await http.post(JOIN, **with_picture(100_000))

    refused, late, after = asyncio.run(visit())
    assert (refused, late, after.status_code) == (503, [408, 408], 200)


FILE = {"path": "http://example.org/a.png", "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    "sent",
    [
        *({"data": value} for value in (None, "a", {}, [FILE], [[1]], [True, {"path": "/a"}])),
        *({"event_data": value} for value in ("a", [FILE], 1, {"picture": FILE}, {"a": [1]})),
    ],
)
def test_what_gradio_could_take_for_a_file_is_refused(sent):
    answer = post(json=REQUEST | sent)
    assert answer.status_code == 422
    assert "must" in answer.text


def test_plain_values_are_handed_on():
    values = {"data": [None, True, 1, 0.5, "a"], "event_data": {"place": 1, "picture": None}}
    assert post(json=REQUEST | values).json() == REQUEST | values


def test_a_body_that_does_not_arrive_is_refused(monkeypatch):
    monkeypatch.setattr(guard, "MOST_SECONDS", 0.05)

    async def pieces():
        for _ in range(400):  # each piece alone is in time
            yield b"{"
            await asyncio.sleep(0.01)

    assert post(content=pieces()).status_code == 408


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"1", b"[" * 10_000, b"\xff"),
        *(b'{"fn_index": 1}', b'{"session_hash": "a"}'),
        *(b'{"session_hash": "a", "fn_index": 3}', b'{"session_hash": "a", "fn_index": -1}'),
        *(b'{"session_hash": "a", "fn_index": true}', b'{"session_hash": "a", "fn_index": "1"}'),
        *(b'{"session_hash": "", "fn_index": 1}', b'{"session_hash": "a b", "fn_index": 1}'),
        b'{"session_hash": "' + b"a" * 65 + b'", "fn_index": 1}',
    ],
)
def test_a_request_that_gradio_would_fail_at_is_refused_in_words(body):
    answer = post(content=body)
    assert answer.status_code == 422
    assert "must be" in answer.text


def test_a_request_arrives_as_it_was_sent():
    answer = post(json=REQUEST)
    assert answer.status_code == 200
    assert answer.json() == REQUEST
    assert post("/gradio_api/cancel", json={}).json() == {}


def test_listeners_are_counted_while_the_stream_is_open():
    listeners, seen = Counter(), []

    async def stream(scope, receive, send):
        seen.append(dict(listeners))
        raise ConnectionError

    app = guard.Guard(stream, hosts={"a"}, any_address=False, functions=0, listeners=listeners)
    scope = {"type": "http", "method": "GET", "path": "/gradio_api/queue/data"}
    scope |= {"query_string": b"session_hash=x1", "headers": [(b"host", b"a")]}
    with pytest.raises(ConnectionError):
        asyncio.run(app(scope, None, None))
    assert seen == [{"x1": 1}]
    assert not listeners


def test_a_websocket_is_closed():
    sent = []

    async def send(message):
        sent.append(message["type"])

    options = {"hosts": {"localhost"}, "any_address": False, "functions": 0}
    app = guard.Guard(echo, **options, listeners=Counter())
    asyncio.run(app({"type": "websocket", "path": "/"}, None, send))
    assert sent == ["websocket.close"]
