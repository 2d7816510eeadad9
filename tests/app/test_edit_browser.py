"""The tab "Edit" in a browser: a picture is chosen, marked with the mouse, and edited."""

import io
import os
import shutil
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WHY = "needs Gradio, Playwright and Chromium: pip install textgan[test], apt-get install chromium"
pytest.importorskip("gradio", reason=WHY)
pytest.importorskip("playwright.sync_api", reason=WHY)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason=WHY),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio"),
]
SIZE = 32
RESULTS, CAPTION = "#tg-edits .tg-grid img", "#tg-target textarea"
ALERT = ".tg-editor [role=alert]"
# Twice as wide as high, so that the page cuts the sides off.
PIXELS = np.random.default_rng(0).integers(0, 256, (SIZE, 2 * SIZE, 3), dtype=np.uint8)
SQUARE = PIXELS[:, SIZE // 2 : -SIZE // 2]


@pytest.fixture(scope="module")
def pipeline(shades):
    return shades(SIZE)


@pytest.fixture(scope="module")
def address(pipeline):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    page = build([Model(pipeline, "tiny", ["a red circle", "a blue square"])])
    yield launch(page, host="127.0.0.1", port=None, open_browser=False)
    page.close()


@pytest.fixture
def open_tab(address, open_context):
    """Open the tab in a window of some size; at the end the browser may not have complained."""
    pages, complaints = [], []

    def open_at(width: int = 1280, height: int = 900, scheme: str = "light"):
        page = open_context(width, height, scheme).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.goto(address)
        page.wait_for_selector("#tg-images .tg-grid img")
        page.get_by_role("tab", name="Edit").click()
        page.wait_for_selector(".tg-marks:visible")
        return page

    yield open_at
    for page in pages:
        page.close()
    assert complaints == []


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def upload(page, content: bytes, name: str = "picture.png") -> None:
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    page.set_input_files(".tg-editor input[type=file]", [file])


def choose_picture(page) -> None:
    upload(page, png(PIXELS))
    page.wait_for_selector(".tg-editor.tg-full")


def drawn(page, *, before: str = "") -> np.ndarray:
    """The pixels of the first result once it has another source than before."""
    page.wait_for_function(
        "([selector, before]) => { const image = document.querySelector(selector);"
        " return image && image.src !== before; }",
        arg=[RESULTS, before],
    )
    with page.expect_download() as saving:
        page.locator("#tg-edits .tg-corner").first.click()
    return np.asarray(Image.open(saving.value.path()).convert("RGB"))


def test_the_marked_part_of_an_uploaded_picture_is_drawn(open_tab):
    page = open_tab()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector("text=Choose a picture first.")
    choose_picture(page)
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector("text=Paint over the part")
    box = page.locator(".tg-marks").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] - 10, middle - box["height"] / 4)
    page.mouse.down()  # a drag that begins outside of the picture marks nothing
    page.mouse.move(box["x"] + box["width"] / 2, middle - box["height"] / 4, steps=5)
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] / 4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3 / 4, middle, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Draw", exact=True).click()
    changed = (drawn(page) != SQUARE).any(-1)
    # The brush is 12 % of the side, which are 3.8 pixels, and is moved from pixel 8 to 24.
    assert changed[15:17, 8:24].all()
    changed[13:19, 5:27] = False
    assert not changed.any()


def test_the_keyboard_marks_erases_and_draws(open_tab):
    page = open_tab()
    choose_picture(page)
    page.locator(".tg-marks").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key in ("Space", *["Shift+ArrowRight"] * 8, *["ArrowDown"] * 8, "Space"):
        page.keyboard.press(key)
    page.fill(CAPTION, "a star")
    page.press(CAPTION, "Enter")
    changed = (drawn(page) != SQUARE).any(-1)
    assert changed[16, 16:24].all()
    assert changed[24, 24]
    assert not changed[20].any()
    assert not changed[:, :13].any()
    before = page.locator(RESULTS).get_attribute("src")
    page.get_by_role("button", name="Erase").click()
    page.locator(".tg-marks").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Draw", exact=True).click()
    assert not (drawn(page, before=before)[22:] != SQUARE[22:]).any()
    page.get_by_role("button", name="Clear the marks").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector("text=Paint over the part")


def test_a_sample_is_taken_and_each_task_has_its_controls(open_tab):
    page = open_tab()
    page.get_by_role("button", name="Take Image 2").click()
    page.wait_for_selector(".tg-editor.tg-full")
    shade = page.evaluate(
        "[...document.querySelector('.tg-picture').getContext('2d').getImageData(0, 0, 1, 1).data]"
    )
    # (12 letters + number 1 + 10) / 100 in [-1, 1] is 0.615 of 255.
    assert abs(shade[0] - 156.8) < 1
    source, strength = page.locator("#tg-source"), page.get_by_label("number input for Strength")
    for task, controls in {
        "Draw anew": [False, 1, True],
        "Change by two captions": [True, 1, False],
        "Variations": [False, 1, True],
    }.items():
        page.get_by_label(task).check()
        page.wait_for_function(
            "(visible) => (document.querySelector('#tg-source').offsetParent !== null) === visible",
            arg=controls[0],
        )
        found = [one for one in strength.all() if one.is_visible()]
        assert [
            source.is_visible(),
            len(found),
            page.get_by_text("New images", exact=True).is_visible(),
        ] == (controls)
        assert not page.get_by_role("button", name="Erase").is_visible()
        steps = page.get_by_label("number input for Steps").all()
        assert any(one.is_visible() for one in steps) == (task != "Variations")
        before = page.evaluate("(s) => document.querySelector(s)?.src ?? ''", RESULTS)
        page.get_by_role("button", name="Draw", exact=True).click()
        assert drawn(page, before=before).shape == (SIZE, SIZE, 3)
    page.get_by_role("button", name="Take Image 1: a blue square").last.click()


def test_a_request_that_had_to_wait_has_the_later_picture(open_tab, pipeline, monkeypatch):
    page = open_tab()
    page.get_by_label("Change by two captions").check()
    page.fill("#tg-source textarea", "a blue square")
    choose_picture(page)
    edit, calls = pipeline.edit, []

    def slowly(*values, **options):
        calls.append(1)
        time.sleep(1)
        return edit(*values, **options)

    monkeypatch.setattr(pipeline, "edit", slowly)
    draw = page.get_by_role("button", name="Draw", exact=True)
    draw.click()
    page.wait_for_selector("text=The image is being drawn")
    upload(page, png(PIXELS // 2))
    page.wait_for_function(
        "(red) => document.querySelector('.tg-picture').getContext('2d')"
        ".getImageData(0, 0, 1, 1).data[0] === red",
        arg=int(SQUARE[0, 0, 0] // 2),
    )
    draw.click()
    draw.click()
    first = drawn(page).astype(int)
    before = page.locator(RESULTS).get_attribute("src")
    second = drawn(page, before=before).astype(int)
    # One step makes the image 0.01 lighter in [-1, 1], which is 1.3 of 255.
    assert abs(first - (SQUARE + 1.3).clip(0, 255)).max() < 1
    assert abs(second - (SQUARE // 2 + 1.3)).max() < 1
    assert len(calls) == 2


def test_a_file_that_is_no_picture_is_refused_in_one_sentence(open_tab, tmp_path):
    page = open_tab()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    bomb = bytearray(png(np.zeros((1, 1), dtype=np.uint8)))
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    large = tmp_path / "large.png"
    large.write_bytes(png(PIXELS) + bytes(50_000_000))
    text = b"The quick brown fox."
    for content, name, message in (
        (text, "text.png", "The browser cannot read text.png as an image."),
        (png(PIXELS)[:60], "cut.png", "cut.png"),
        (svg, "drawing.svg", "drawing.svg"),
        (bytes(bomb), "bomb.png", "bomb.png"),
        (text, "<img src=x onerror=alert(1)>.png", "cannot read <img src=x onerror=alert(1)>"),
        (None, "large.png", "large.png has 51 MB, and a picture may have 32."),
    ):
        if content is None:
            page.set_input_files(".tg-editor input[type=file]", large)
        else:
            kind = "image/svg+xml" if name.endswith("svg") else "image/png"
            file = {"name": name, "mimeType": kind, "buffer": content}
            page.set_input_files(".tg-editor input[type=file]", [file])
        page.wait_for_function(
            "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
            arg=[ALERT, message],
        )
        assert page.locator(".tg-editor.tg-full").count() == 0
        assert page.inner_text(ALERT).count(". ") == 0
    choose_picture(page)
    assert page.locator(ALERT).text_content() == ""


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(open_tab, event):
    page = open_tab()
    page.evaluate(
        "([event, bytes]) => {"
        " const files = new DataTransfer();"
        " files.items.add(new File([new Uint8Array(bytes)], 'a.png', {type: 'image/png'}));"
        " const dropped = new DragEvent(event, {dataTransfer: files, cancelable: true});"
        " const pasted = new ClipboardEvent(event, {clipboardData: files});"
        " if (event === 'drop') document.querySelector('.tg-easel').dispatchEvent(dropped);"
        " else document.dispatchEvent(pasted); }",
        arg=[event, list(png(PIXELS))],
    )
    page.wait_for_selector(".tg-editor.tg-full")


def test_every_control_has_a_name_and_a_phone_shows_all_of_it(open_tab):
    page = open_tab(400, 844)
    choose_picture(page)
    nameless = page.evaluate(
        "[...document.querySelectorAll('input, textarea, button, a, canvas')].filter((element) =>"
        " !element.labels?.length && !element.ariaLabel && !element.textContent.trim())"
        ".map((element) => element.outerHTML)"
    )
    assert nameless == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_each_of_two_models_has_an_editor_of_its_own(shades, open_context):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    served = build([Model(shades(8), "first", ["a"]), Model(shades(16), "second", ["a star"])])
    page = open_context(1280, 900, "light").new_page()
    try:
        page.goto(launch(served, host="127.0.0.1", port=None, open_browser=False))
        page.get_by_role("tab", name="second").click()
        page.wait_for_selector("#tg-1-images .tg-grid img")
        page.locator("[role=tab]:visible", has_text="Edit").click()
        page.locator("#tg-1-editor .tg-taken button").first.click()
        page.locator("#tg-1-editor .tg-marks").focus()
        page.keyboard.press("Space")
        page.press("#tg-1-target textarea", "Enter")
        page.wait_for_selector("#tg-1-edits .tg-grid img")
        assert page.evaluate("document.querySelector('#tg-1-edits img').naturalWidth") == 16
        assert page.locator("#tg-edits img").count() == 0
    finally:
        page.close()
        served.close()


@pytest.mark.slow
def test_screenshots(open_tab, tmp_path):
    folder = Path(os.environ.get("TEXTGAN_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, height, scheme in (
        ("desktop", 1280, 900, "light"),
        ("desktop-dark", 1280, 900, "dark"),
        ("phone", 400, 844, "light"),
    ):
        page = open_tab(width, height, scheme)
        page.screenshot(path=folder / f"{name}-edit-empty.png", full_page=True)
        choose_picture(page)
        page.locator(".tg-marks").focus()
        for key in ("Space", *["Shift+ArrowRight"] * 8, *["Shift+ArrowDown"] * 6):
            page.keyboard.press(key)
        page.press(CAPTION, "Enter")
        page.wait_for_selector(RESULTS)
        page.screenshot(path=folder / f"{name}-edit.png", full_page=True)
        page.get_by_label("Change by two captions").check()
        page.wait_for_selector("#tg-source:visible")
        page.screenshot(path=folder / f"{name}-edit-two.png", full_page=True)
        shown = Image.open(folder / f"{name}-edit.png").convert("L")
        assert shown.getextrema()[1] - shown.getextrema()[0] > 150
