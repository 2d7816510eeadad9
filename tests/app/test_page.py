"""The page has a control for each option that the pipeline declares, and no others."""

import asyncio

import pytest

pytest.importorskip("gradio", reason="needs Gradio: pip install textgan[demo]")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def labels(pipeline) -> list[str]:
    from textgan.app.page import build

    parts = build(pipeline, name="tiny", examples=[]).config["components"]
    return [part["props"].get("label") for part in parts if part["type"] in ("slider", "tabitem")]


def test_the_controls_are_those_of_the_pipelines_options_and_abilities(pipeline, gray):
    assert labels(gray.Gray()) == ["Samples", "Images"]
    assert labels(gray.Stepped()) == ["Samples", "Images", "Steps"]
    assert sorted(labels(pipeline)) == [
        *("Between two captions", "Frames", "Images", "Samples", "Truncation", "Truncation"),
    ]


def test_a_pipeline_that_is_no_gan_samples_for_the_page(gray):
    from textgan.app.answer import Answers

    answers = Answers(gray.Stepped())
    seed, chips, few, status = asyncio.run(answers.samples(True, "a star", 3, 2, 1))
    assert (seed, chips) == (3, "")
    assert "2 images in" in status
    assert asyncio.run(answers.samples(True, "a star", 3, 2, 9))[2] != few
    assert "Steps must be a whole number" in asyncio.run(answers.samples(True, "a", 3, 2, 1.5))[3]
