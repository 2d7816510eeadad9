"""The page has a control for each option that the pipeline declares, and no others."""

import asyncio

import pytest

pytest.importorskip("gradio", reason="needs Gradio: pip install textgan[demo]")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def labels(pipeline) -> list[str]:
    from textgan.app.page import Model, build

    parts = build([Model(pipeline, "tiny", [])]).config["components"]
    return [part["props"].get("label") for part in parts if part["type"] in ("slider", "tabitem")]


def test_the_controls_are_those_of_the_pipelines_options_and_abilities(pipeline, gray):
    assert labels(gray.Gray()) == ["Samples", "Images"]
    assert labels(gray.Stepped()) == ["Samples", "Images", "Steps"]
    assert sorted(labels(pipeline)) == [
        *("Between two captions", "Frames", "Images", "Samples", "Truncation", "Truncation"),
    ]


def test_a_pipeline_that_changes_images_has_a_tab_for_it(shades):
    assert sorted(labels(shades(16))) == [
        *("Edit", "Images", "New images", "Samples", "Steps", "Steps"),
        *["Strength"] * 3,
    ]


def test_several_models_have_a_tab_each_and_ids_of_their_own(gray):
    from textgan.app.page import Model, build

    page = build([Model(gray.Gray(), "one", ["a"]), Model(gray.Gray(), "two", ["b"])])
    parts = page.config["components"]
    tabs = [part["props"]["label"] for part in parts if part["type"] == "tabitem"]
    assert sorted(tabs) == ["Samples", "Samples", "one", "two"]
    ids = [part["props"]["elem_id"] for part in parts if part["props"].get("elem_id")]
    assert len(ids) == len(set(ids))
    assert {"tg-caption", "tg-1-caption"} <= set(ids)


def test_a_pipeline_that_is_no_gan_samples_for_the_page(gray):
    from textgan.app.answer import Answers

    answers = Answers(gray.Stepped())
    seed, chips, few, status = asyncio.run(answers.samples(True, "a star", 3, 2, 1))
    assert (seed, chips) == (3, "")
    assert "2 images in" in status
    assert asyncio.run(answers.samples(True, "a star", 3, 2, 9))[2] != few
    assert "Steps must be a whole number" in asyncio.run(answers.samples(True, "a", 3, 2, 1.5))[3]
