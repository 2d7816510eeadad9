import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlparse

import pytest
import torch
from PIL import Image

from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline
from textgan.text_encoder import BertTextEncoder

WHY = "needs Gradio, Playwright and Chromium: pip install textgan[test], apt-get install chromium"
pytest.importorskip("gradio", reason=WHY)
playwright = pytest.importorskip("playwright.sync_api", reason=WHY)
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=WHY),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio"),
]
EXAMPLES = ["a red circle", "a blue square"]
CAPTION, WORDS = "#tg-caption textarea", ".tg-result .tg-chips button"
PICTURES = ".tg-grid img"
reached: list[str] = []


def note(event: str, arguments: tuple) -> None:
    """Note which hosts this process, with the server in it, asks for or connects to."""
    if event == "socket.getaddrinfo":
        reached.append(str(arguments[0]))
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.append(str(arguments[1][0]))


@pytest.fixture(scope="module")
def pipeline() -> GANPipeline:
    torch.manual_seed(0)
    generator = AttentionGenerator(
        image_size=32, text_width=8, noise_width=4, width=4, max_width=8, word_resolutions=(8,)
    )
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(EXAMPLES)
    return GANPipeline(generator, encoder).eval()


@pytest.fixture(scope="module")
def address(pipeline) -> Iterator[str]:
    from textgan.app.page import build
    from textgan.app.serve import launch

    sys.addaudithook(note)
    page = build(pipeline, name="tiny", examples=EXAMPLES)
    yield launch(page, host="127.0.0.1", port=None, open_browser=False)
    page.close()


@pytest.fixture(scope="module")
def open_context() -> Iterator[Callable[..., object]]:
    """A browser's window of a certain size, by day or by night."""
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        @cache
        def open_at(width: int, height: int, scheme: str):
            return chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                has_touch=width < 600,
                device_scale_factor=2 if width < 600 else 1,
            )

        yield open_at
        chromium.close()


@pytest.fixture
def open_page(address, open_context):
    """The page in such a window; in the end nothing may have been asked for elsewhere."""
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
        page.wait_for_selector(PICTURES)
        return page

    yield open_at
    for page in pages:
        page.close()
    hosts = {urlparse(url).hostname for url in requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert set(reached) <= {"127.0.0.1", "localhost", "::1"}
    assert complaints == []


def sources(page, selector: str = PICTURES) -> list[str]:
    return [image.get_attribute("src") for image in page.locator(selector).all()]


def redrawn(page, before: list[str], selector: str = PICTURES) -> list[str]:
    """The pictures' sources once they are others than before."""
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


def overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_words_are_drawn_while_they_are_typed(open_page):
    page = open_page()
    before = sources(page)
    assert len(before) == 4
    page.fill(CAPTION, "")
    page.wait_for_selector("text=Type a caption to see it drawn.")
    page.type(CAPTION, "a small green star")
    page.wait_for_function("document.querySelectorAll('.tg-result .tg-chips button').length === 4")
    star = sources(page)
    assert star != before
    page.press(CAPTION, "Backspace")
    redrawn(page, star)
    page.fill(CAPTION, "a small green star")
    page.wait_for_timeout(1000)
    assert sources(page) == star  # the seed is locked
    assert "ms" in page.inner_text(".tg-status")


def test_an_unlocked_seed_changes_with_each_drawing(open_page):
    page = open_page()
    before = sources(page)
    page.get_by_label("Lock the seed").first.uncheck()
    page.get_by_label("Seed").first.fill("7")
    after = redrawn(page, before)
    page.press(CAPTION, "End")
    page.type(CAPTION, "s")
    redrawn(page, after)
    assert page.get_by_label("Seed").first.input_value() not in ("0", "7")


def test_a_later_text_overtakes_those_before_it(open_page, pipeline):
    page = open_page()
    before = sources(page)
    drawn = []

    def wait(*_) -> None:
        drawn.append(1)
        time.sleep(0.8)

    slow = pipeline.generator.register_forward_hook(wait)
    try:
        page.press(CAPTION, "End")
        for letter in "abcdefgh":
            page.type(CAPTION, letter)
            page.wait_for_timeout(200)  # more than the rest that a drawing begins after
        page.wait_for_function(
            "document.querySelector('.tg-result .tg-chips').textContent.endsWith('abcdefgh')",
            timeout=20_000,
        )
        redrawn(page, before)
        page.wait_for_timeout(500)
        assert len(drawn) / 2 < 6  # a drawing and a look at the words each; of 8 texts
    finally:
        slow.remove()


def test_a_word_shows_its_heat_until_it_is_clicked_again(open_page):
    page = open_page()
    plain = sources(page)
    word = page.locator(WORDS).nth(1)
    word.click()
    hot = redrawn(page, plain)
    assert word.get_attribute("aria-pressed") == "true"
    page.locator(WORDS).nth(2).click()
    hotter = redrawn(page, hot)
    assert page.locator(f"{WORDS}[aria-pressed=true]").count() == 1
    page.locator(WORDS).nth(2).click()
    assert redrawn(page, hotter) == plain


def test_an_example_is_drawn(open_page):
    page = open_page()
    before = sources(page)
    page.get_by_role("button", name="a blue square").click()
    redrawn(page, before)
    assert page.input_value(CAPTION) == "a blue square"


def test_the_way_between_two_captions_moves(open_page):
    page = open_page()
    page.get_by_role("tab", name="Between two captions").click()
    page.wait_for_selector(".tg-moving img")
    before = sources(page, ".tg-moving img")
    assert before[0].startswith("data:image/gif")
    assert len(sources(page, ".tg-strip img")) == 16
    page.fill("#tg-to textarea", "a large blue square")
    redrawn(page, before, ".tg-moving img")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save as GIF").click()
    moving = Image.open(io.BytesIO(Path(saving.value.path()).read_bytes()))
    assert (moving.format, moving.size) == ("GIF", (256, 256))
    assert saving.value.suggested_filename == "a-red-circle-to-a-large-blue-square-seed-0.gif"


def test_pictures_can_be_saved(open_page):
    page = open_page()
    sizes = {"Save all in one PNG": (280, 280), "Save picture 3": (32, 32)}
    for link, size in sizes.items():
        with page.expect_download() as saving:
            page.get_by_role("link", name=link).click()
        image = Image.open(io.BytesIO(Path(saving.value.path()).read_bytes()))
        assert (image.format, image.size) == ("PNG", size)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Type a caption"),
        ("word " * 2000, "1,000 characters"),
        ("a (red:99)", "weight"),
    ],
)
def test_bad_input_is_refused_in_words(open_page, text, said):
    page = open_page()
    page.fill(CAPTION, text)
    page.wait_for_selector(f".tg-refused:has-text('{said}')")
    assert page.locator(PICTURES).count() == 0
    page.fill(CAPTION, "a red circle")
    page.wait_for_selector(PICTURES)


@pytest.mark.parametrize("text", ["🙂 👩‍🚀", "一只红色的猫", "(red:x)", "<b>{{value}}</b> ${1+1}"])
def test_any_text_is_drawn_and_shown_as_it_is(open_page, text):
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
    page.get_by_label("number input for Pictures").fill("40")
    page.wait_for_selector(".tg-refused:has-text('from 1 to 16, got 40')")
    page.get_by_label("Seed").first.fill("")
    page.get_by_label("number input for Pictures").fill("1")
    page.wait_for_selector(".tg-refused:has-text('seed')")
    page.get_by_role("button", name="New seed").click()
    page.wait_for_selector(PICTURES)
    assert len(sources(page)) == 1


def test_the_keyboard_alone_is_enough(open_page):
    page = open_page()
    before = sources(page)
    tab_to(page, CAPTION)
    page.keyboard.press("Control+a")
    page.keyboard.type("a green star")
    star = redrawn(page, before)
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
    redrawn(page, plain)
    tab_to(page, ".tg-corner")
    with page.expect_download():
        page.keyboard.press("Enter")
    page.reload()
    page.wait_for_selector(PICTURES)
    tab_to(page, "[role=tab]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tg-moving img")


def test_every_control_has_a_name(open_page):
    page = open_page()
    page.get_by_role("tab", name="Between two captions").click()
    page.wait_for_selector(".tg-moving img")
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
    page.get_by_label("number input for Pictures").fill("16")
    page.fill(CAPTION, "x" * 900)
    page.wait_for_function("document.querySelectorAll('.tg-grid img').length === 16")
    page.wait_for_function("document.querySelector('.tg-result').textContent.includes('xxx')")
    assert overflow(page) <= 0
    page.get_by_role("tab", name="Between two captions").click()
    page.wait_for_selector(".tg-moving img")
    assert overflow(page) <= 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_day_and_night_differ(open_page, scheme):
    page = open_page(scheme=scheme)
    ground, ink = (
        sum(int(part) for part in color[4:-1].split(","))
        for color in page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('h1')).color]"
        )
    )
    assert (ground > ink) == (scheme == "light")
    assert abs(ground - ink) > 400


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
        page.get_by_role("tab", name="Between two captions").click()
        page.wait_for_selector(".tg-moving img")
        page.screenshot(path=folder / f"{name}-between.png", full_page=True)
        shown = Image.open(folder / f"{name}.png").convert("L")
        assert shown.getextrema()[1] - shown.getextrema()[0] > 150
