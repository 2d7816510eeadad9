import io
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
from PIL import Image

from textgan.pipeline import GANPipeline

WHY = "needs Gradio, Playwright and Chromium: pip install textgan[test], apt-get install chromium"
pytest.importorskip("gradio", reason=WHY)
pytest.importorskip("playwright.sync_api", reason=WHY)
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=WHY),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio"),
]
EXAMPLES = ["a red circle", "a blue square"]
CAPTION, WORDS = "#tg-caption textarea", ".tg-result .tg-chips button"
IMAGES = ".tg-grid img"
reached: list[str] = []


def note(event: str, arguments: tuple) -> None:
    """Record the hosts that this process, with the server in it, looks up or connects to."""
    if event == "socket.getaddrinfo":
        reached.append(str(arguments[0]))
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.append(str(arguments[1][0]))


@pytest.fixture(scope="module")
def pipeline(make_pipeline) -> GANPipeline:
    return make_pipeline(image_size=32)


@pytest.fixture(scope="module")
def address(pipeline) -> Iterator[str]:
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    sys.addaudithook(note)
    page = build([Model(pipeline, "tiny", EXAMPLES)])
    yield launch(page, host="127.0.0.1", port=None, open_browser=False)
    page.close()


@pytest.fixture
def open_page(address, open_context):
    """Open the page in such a window; at the end no other host may have been contacted."""
    pages, requests, complaints = [], [], []

    def note_complaint(said) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    def open_at(width: int = 1280, height: int = 800, scheme: str = "light"):
        page = open_context(width, height, scheme).new_page()
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("websocket", lambda socket: requests.append(socket.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note_complaint)
        page.goto(address)
        page.wait_for_selector(IMAGES)
        return page

    yield open_at
    for page in pages:
        page.close()
    hosts = {urlparse(url).hostname for url in requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert set(reached) <= {"127.0.0.1", "localhost", "::1"}
    assert complaints == []


def sources(page, selector: str = IMAGES) -> list[str]:
    return [image.get_attribute("src") for image in page.locator(selector).all()]


def changed(page, before: list[str], selector: str = IMAGES) -> list[str]:
    """The sources of the images once they differ from those before."""
    page.wait_for_function(
        "([selector, before]) => { const now = [...document.querySelectorAll(selector)];"
        " return now.length && now.map((image) => image.src).join() !== before; }",
        arg=[selector, ",".join(before)],
    )
    return sources(page, selector)


def tab_to(page, selector: str, presses: int = 60) -> None:
    """Press Tab until the element has the focus, and see that the focus shows."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(outline) == "solid"
            return
    raise AssertionError(f"{presses} presses of Tab do not lead to {selector}")


def open_animation(page) -> None:
    page.get_by_role("tab", name="Between two captions").click()
    page.wait_for_selector(".tg-moving img")


def overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_images_are_sampled_while_words_are_typed(open_page):
    page = open_page()
    before = sources(page)
    assert len(before) == 4
    page.fill(CAPTION, "")
    page.wait_for_selector("text=Type a caption to generate images.")
    page.type(CAPTION, "a small green star")
    page.wait_for_function("document.querySelectorAll('.tg-result .tg-chips button').length === 4")
    star = sources(page)
    assert star != before
    page.press(CAPTION, "Backspace")
    changed(page, star)
    page.fill(CAPTION, "a small green star")
    page.wait_for_timeout(1000)
    assert sources(page) == star  # the seed is locked
    assert "ms" in page.inner_text(".tg-status")


def test_an_unlocked_seed_changes_with_each_caption(open_page):
    page = open_page()
    before = sources(page)
    page.get_by_label("Lock the seed").first.uncheck()
    page.get_by_label("Seed").first.fill("7")
    after = changed(page, before)
    page.press(CAPTION, "End")
    page.type(CAPTION, "s")
    changed(page, after)
    assert page.get_by_label("Seed").first.input_value() not in ("0", "7")


def test_a_later_text_overtakes_those_before_it(open_page, pipeline):
    page = open_page()
    before = sources(page)
    calls = []

    def wait(*_) -> None:
        calls.append(1)
        time.sleep(0.8)

    slow = pipeline.generator.register_forward_hook(wait)
    try:
        page.press(CAPTION, "End")
        for letter in "abcdefgh":
            page.type(CAPTION, letter)
            page.wait_for_timeout(200)  # longer than the pause after which sampling begins
        page.wait_for_function(
            "document.querySelector('.tg-result .tg-chips').textContent.endsWith('abcdefgh')",
            timeout=20_000,
        )
        changed(page, before)
        page.wait_for_timeout(500)
        assert len(calls) < 6  # of 8 texts
    finally:
        slow.remove()


def test_a_word_shows_its_heat_until_it_is_clicked_again(open_page):
    page = open_page()
    plain = sources(page)
    word = page.locator(WORDS).nth(1)
    word.click()
    hot = changed(page, plain)
    assert word.get_attribute("aria-pressed") == "true"
    page.locator(WORDS).nth(2).click()
    hotter = changed(page, hot)
    assert page.locator(f"{WORDS}[aria-pressed=true]").count() == 1
    page.locator(WORDS).nth(2).click()
    assert changed(page, hotter) == plain


def test_a_word_clicked_while_another_waits_shows_its_own_heat(open_page, pipeline):
    page = open_page()
    plain = sources(page)
    page.locator(WORDS).nth(2).click()
    expected = changed(page, plain)
    page.locator(WORDS).nth(2).click()
    changed(page, expected)
    slow = pipeline.generator.register_forward_hook(lambda *_: time.sleep(0.5))
    try:
        page.locator(WORDS).nth(1).click()
        page.locator(WORDS).nth(2).click()
        page.wait_for_function(
            "([selector, src]) => document.querySelector(selector).src === src",
            arg=[IMAGES, expected[0]],
        )
    finally:
        slow.remove()


def test_an_example_is_sampled(open_page):
    page = open_page()
    before = sources(page)
    page.get_by_role("button", name="a blue square").click()
    changed(page, before)
    assert page.input_value(CAPTION) == "a blue square"


def test_an_animation_between_two_captions_moves(open_page):
    page = open_page()
    open_animation(page)
    before = sources(page, ".tg-moving img")
    assert before[0].startswith("data:image/gif")
    assert len(sources(page, ".tg-strip img")) == 16
    page.fill("#tg-to textarea", "a large blue square")
    changed(page, before, ".tg-moving img")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save as GIF").click()
    moving = Image.open(io.BytesIO(Path(saving.value.path()).read_bytes()))
    assert (moving.format, moving.size) == ("GIF", (256, 256))
    assert saving.value.suggested_filename == "a-red-circle-to-a-large-blue-square-seed-0.gif"


def test_images_can_be_saved(open_page):
    page = open_page()
    sizes = {"Save all in one PNG": (280, 280), "Save image 3": (32, 32)}
    for link, size in sizes.items():
        with page.expect_download() as saving:
            page.get_by_role("link", name=link).click()
        image = Image.open(io.BytesIO(Path(saving.value.path()).read_bytes()))
        assert (image.format, image.size) == ("PNG", size)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "Type a caption"), ("word " * 2000, "1,000 characters"), ("a (red:99)", "weight")],
)
def test_bad_input_is_refused_in_words(open_page, text, message):
    page = open_page()
    page.fill(CAPTION, text)
    page.wait_for_selector(f".tg-refused:has-text('{message}')")
    assert page.locator(IMAGES).count() == 0
    page.fill(CAPTION, "a red circle")
    page.wait_for_selector(IMAGES)


@pytest.mark.parametrize("text", ["🙂 👩‍🚀", "一只红色的猫", "(red:x)", "<b>{{value}}</b> ${1+1}"])
def test_any_text_is_sampled_and_shown_as_it_is(open_page, text):
    page = open_page()
    page.fill(CAPTION, text)
    words = text.split()
    page.wait_for_function(
        "(words) => [...document.querySelectorAll('.tg-result .tg-chips button')]"
        ".map((chip) => chip.textContent).join(' ') === words",
        arg=" ".join(words),
    )
    assert len(sources(page)) == 4


def test_numbers_out_of_range_are_refused_in_words(open_page):
    page = open_page()
    page.get_by_label("number input for Images").fill("40")
    page.wait_for_selector(".tg-refused:has-text('from 1 to 16, got 40')")
    page.get_by_label("Seed").first.fill("")
    page.get_by_label("number input for Images").fill("1")
    page.wait_for_selector(".tg-refused:has-text('seed')")
    page.get_by_role("button", name="New seed").click()
    page.wait_for_selector(IMAGES)
    assert len(sources(page)) == 1


def test_the_keyboard_alone_is_enough(open_page):
    page = open_page()
    before = sources(page)
    tab_to(page, CAPTION)
    page.keyboard.press("Control+a")
    page.keyboard.type("a green star")
    star = changed(page, before)
    tab_to(page, "input[type=range]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelectorAll('.tg-grid img').length === 3")
    tab_to(page, "input[type=checkbox]")
    page.keyboard.press("Space")
    assert not page.get_by_label("Lock the seed").first.is_checked()
    tab_to(page, f"{WORDS}:nth-of-type(2)")
    plain = sources(page)
    assert plain == star[:3]
    page.keyboard.press("Enter")
    changed(page, plain)
    tab_to(page, ".tg-corner")
    with page.expect_download():
        page.keyboard.press("Enter")
    page.reload()
    page.wait_for_selector(IMAGES)
    tab_to(page, "[role=tab]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tg-moving img")


def test_every_control_has_a_name(open_page):
    page = open_page()
    open_animation(page)
    nameless = page.evaluate(
        "[...document.querySelectorAll('input, textarea, button, a')].filter((element) =>"
        " !element.labels?.length && !element.ariaLabel && !element.textContent.trim())"
        ".map((element) => element.outerHTML)"
    )
    assert nameless == []
    alone = page.evaluate("[...document.images].filter((i) => i.alt === null).length")
    assert alone == 0
    assert page.locator(".tg-result [role=status]").count() == 2


def test_a_phone_shows_all_of_it(open_page):
    page = open_page(390, 844)
    assert overflow(page) <= 0
    page.get_by_label("number input for Images").fill("16")
    page.fill(CAPTION, "x" * 900)
    page.wait_for_function("document.querySelectorAll('.tg-grid img').length === 16")
    page.wait_for_function("document.querySelector('.tg-result').textContent.includes('xxx')")
    assert overflow(page) <= 0
    open_animation(page)
    assert overflow(page) <= 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_day_and_night_differ(open_page, scheme):
    page = open_page(scheme=scheme)
    colors = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('h1')).color]"
    )
    ground, text = (sum(map(int, color[4:-1].split(","))) for color in colors)
    assert (ground - text) * (1 if scheme == "light" else -1) > 400


@pytest.mark.slow
def test_screenshots(open_page, tmp_path):
    folder = Path(os.environ.get("TEXTGAN_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, height, scheme in (
        ("desktop", 1280, 800, "light"),
        ("desktop-dark", 1280, 800, "dark"),
        ("phone", 390, 844, "light"),
    ):
        page = open_page(width, height, scheme)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        open_animation(page)
        page.screenshot(path=folder / f"{name}-between.png", full_page=True)
        shown = Image.open(folder / f"{name}.png").convert("L")
        assert shown.getextrema()[1] - shown.getextrema()[0] > 150


def test_two_models_share_a_page_and_each_answers_its_own_controls(
    pipeline, make_pipeline, open_context
):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    other = make_pipeline(image_size=16)
    page = build([Model(pipeline, "first", EXAMPLES), Model(other, "second", ["a red circle"])])
    address = launch(page, host="127.0.0.1", port=None, open_browser=False)
    try:
        window = open_context(1280, 800, "light").new_page()
        window.goto(address)
        window.wait_for_selector(f"{IMAGES}:visible")
        first = sources(window, f"{IMAGES}:visible")
        window.get_by_role("tab", name="second").click()
        window.wait_for_selector("#tg-1-caption textarea:visible")
        window.wait_for_selector(f"{IMAGES}:visible")
        second = sources(window, f"{IMAGES}:visible")
        assert len(second) == 4
        assert not set(second) & set(first)
        window.fill("#tg-1-caption textarea", "a large blue square")
        window.wait_for_function(
            "before => { const now = [...document.querySelectorAll('.tg-grid img')]"
            ".filter((image) => image.offsetParent).map((image) => image.src).join();"
            " return now && now !== before; }",
            arg=",".join(second),
        )
        window.get_by_role("tab", name="first").click()
        assert sources(window, f"{IMAGES}:visible") == first
        window.close()
    finally:
        page.close()


def test_an_image_is_seen_while_it_is_drawn_and_the_seed_can_be_typed(
    stepwise_pipeline, open_context, monkeypatch, every_frame
):
    from textgan.app.page import Model, build
    from textgan.app.serve import launch

    decode = stepwise_pipeline.autoencoder.decode_codes

    def slowly(codes):
        time.sleep(0.3)
        return decode(codes)

    monkeypatch.setattr(stepwise_pipeline.autoencoder, "decode_codes", slowly)
    served = build([Model(stepwise_pipeline, "tiny", EXAMPLES)])
    page = open_context(1280, 800, "light").new_page()
    try:
        page.goto(launch(served, host="127.0.0.1", port=None, open_browser=False))
        page.wait_for_selector("text=4 images are being drawn")
        first = sources(page)
        second = changed(page, first)
        page.wait_for_selector("text=4 images in")
        last = sources(page)
        seed = page.get_by_label("Seed").first
        seed.fill("")
        seed.press_sequentially("1234", delay=250)  # images are drawn for 1, 12, ... meanwhile
        page.wait_for_selector("text=seed 1234")
        assert seed.input_value() == "1234"
    finally:
        page.close()
        served.close()
    assert len({tuple(first), tuple(second), tuple(last)}) == 3
    assert len(last) == 4
