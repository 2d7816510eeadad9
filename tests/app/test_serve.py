"""The page as it is served, requested as a browser does."""

import gc
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="needs Gradio: pip install textgan[demo]")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def page(pipeline):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    page = build([Model(pipeline, "tiny", ["a red circle"])])
    launch(page, host="127.0.0.1", port=None, open_browser=False, allow_hosts=["draw.example"])
    yield page
    page.close()


@pytest.fixture(scope="module")
def http(page):
    with httpx.Client(base_url=page.local_url, timeout=60) as client:
        yield client


def call(http, name, data, session, event=None):
    """The values that a function of the page returns through Gradio's queue."""
    functions = {one["api_name"]: one["id"] for one in http.get("/config").json()["dependencies"]}
    message = {"data": data, "fn_index": functions[name], "session_hash": session}
    message["event_data"] = event
    joined = http.post("/gradio_api/queue/join", json=message)
    assert joined.status_code == 200, joined.text
    stream = http.get("/gradio_api/queue/data", params={"session_hash": session})
    lines = [line for line in stream.text.splitlines() if line.startswith("data")]
    messages = [json.loads(line[6:]) for line in lines]
    return next(one["output"] for one in messages if one["msg"] == "process_completed")


def wait_until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_sixteen_visitors_get_each_their_own_samples(http):
    def visit(number):
        caption, seed = f"a star {number}", 100 + number
        return call(http, "samples", [True, caption, seed, 2, 1.0], f"visitor{number}")["data"]

    with ThreadPoolExecutor(16) as pool:
        for number, values in enumerate(pool.map(visit, range(16))):
            assert values[0] == 100 + number
            assert values[2].count(f'alt="Image 1: a star {number}"') == 1
            assert f"seed {100 + number}" in values[3]


def test_nothing_of_a_visitor_is_kept(page, http):
    for number in range(20):
        call(http, "animation", [True, "a star", "a circle", number, 8, 1.0], f"guest{number}")
    held = page.state_holder.session_data
    assert len(held) == 1
    assert len(page._queue.event_analytics) <= 1
    wait_until(lambda: not page._queue.event_ids_to_events)
    assert len(page._queue.pending_messages_per_session) <= 1
    assert len(page._queue.pending_event_ids_session) <= 1


def test_unread_answers_do_not_pile_up(page, http, monkeypatch):
    monkeypatch.setattr("textgan.app.serve._MOST_UNREAD", 3)
    functions = {one["api_name"]: one["id"] for one in http.get("/config").json()["dependencies"]}
    for number in range(12):
        data = [True, "a star", "a circle", number, 8, 1.0]
        sent = {"data": data, "fn_index": functions["animation"], "session_hash": f"deaf{number}"}
        assert http.post("/gradio_api/queue/join", json=sent).status_code == 200
        wait_until(lambda: not page._queue.event_ids_to_events)
    call(http, "samples", [True, "a", 0, 1, 1.0], "listening")
    boxes = [one for one in page._queue.pending_messages_per_session if one.startswith("deaf")]
    assert boxes == ["deaf9", "deaf10", "deaf11"]
    assert len(page._queue.pending_event_ids_session) <= 5


def test_upload_and_what_passes_the_queue_are_closed(http):
    sent = {"files": {"files": ("x.png", b"x" * 1000)}}
    assert http.post("/gradio_api/upload", **sent).status_code == 404
    for name in ("run/samples", "api/samples", "call/samples"):
        answer = http.post(f"/gradio_api/{name}", json={"data": [True, "a", 0, 1, 1.0]})
        assert answer.status_code == 404
        assert answer.text.startswith("The page has no POST")


def test_names_are_checked_as_served(http):
    assert http.get("/", headers={"host": "draw.example"}).status_code == 200
    assert http.get("/", headers={"host": "evil.example"}).status_code == 400
    message = {"data": [], "fn_index": 1, "session_hash": "a"}
    foreign = {"origin": "http://evil.example"}
    answer = http.post("/gradio_api/queue/join", json=message, headers=foreign)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "data",
    [[], [None] * 5, [True, 7, 0, 1, 1.0], ["", "", "", "", ""], [True, "a", 0, 1, 1.0, 1]],
)
def test_bad_input_is_no_error_of_the_server_and_blocks_no_visitor(http, data, capfd):
    call(http, "samples", data, "nonsense")
    assert call(http, "samples", [True, "a", 0, 1, 1.0], "sense")["data"][0] == 0


@pytest.fixture(scope="module")
def editing(shades):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    page = build([Model(shades(16), "tiny", ["a red circle"])])
    launch(page, host="127.0.0.1", port=None, open_browser=False)
    with httpx.Client(base_url=page.local_url, timeout=60) as client:
        yield page, client
    page.close()


def holders(part: str) -> list[object]:
    """The objects of this process that hold a long text or bytes with this part."""
    gc.collect()
    found, encoded = [], part.encode()
    for one in gc.get_objects():
        for held in gc.get_referents(one):
            is_long = isinstance(held, str | bytes) and len(held) > 100_000
            if is_long and (part if isinstance(held, str) else encoded) in held:
                found.append(one)
    return found


CONTROLS = ["image_to_image", "a star", "", 0, True, 1, 0.5, 0.5, 0.5, 1]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # from looking at all objects of torch
def test_a_picture_is_edited_and_not_kept(editing, png_of, images_of):
    page, http = editing
    noise = Image.frombytes("RGBA", (256, 256), random.Random(0).randbytes(256 * 256 * 4))
    sent = png_of(noise)
    assert len(sent) > 300_000
    output = call(http, "edited", CONTROLS, "painter", {"picture": sent})
    _, html, status = output["data"]
    assert "1 image in" in status
    assert [image.size for image in images_of(html)] == [(16, 16)]
    part = sent[1000:1100]

    small = png_of(Image.new("RGB", (16, 16)))

    def is_gone() -> bool:
        # Every 10 ms a loop of Gradio looks at the running requests, and it holds the latest that
        # it saw. So others follow, which are drawn and thereby run long enough to be seen.
        for _ in range(5):
            call(http, "edited", CONTROLS, "another", {"picture": small})
        return not holders(part)

    wait_until(is_gone)
    assert not page._queue.event_ids_to_events


@pytest.mark.parametrize(
    "event",
    [None, {}, {"picture": None}, {"picture": "/etc/passwd", "mask": 1}, {"another": "x"}],
)
def test_an_event_without_a_picture_is_answered_in_words(editing, event):
    _, html, status = call(editing[1], "edited", CONTROLS, "nobody", event)["data"]
    assert "hoose a picture" in status or "picture must be a PNG" in status
    assert "passwd" not in json.dumps(html)


def test_a_file_of_the_server_cannot_be_named(editing, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    for event, data in (({"picture": file}, CONTROLS), (None, [file, *CONTROLS[1:]])):
        functions = editing[1].get("/config").json()["dependencies"]
        number = next(one["id"] for one in functions if one["api_name"] == "edited")
        sent = {"data": data, "event_data": event, "fn_index": number, "session_hash": "thief"}
        answer = editing[1].post("/gradio_api/queue/join", json=sent)
        assert answer.status_code == 422
