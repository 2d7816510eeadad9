"""The graph before it is traced."""

import pytest
import torch

from textgan.export.graph import SamplingGraph, trace

CAPTIONS = ["a red circle", "", "a blue square left of a star"]


def test_its_images_are_those_of_the_pipeline(pipeline):
    graph = SamplingGraph(pipeline)
    token_ids, mask = pipeline.text_encoder.tokenizer(CAPTIONS)
    noise = torch.randn(3, *pipeline.generator.noise_shape)
    with torch.no_grad():
        expected = pipeline.generate_from(noise, pipeline.encode(CAPTIONS))
        images = graph(token_ids, mask, noise)
    torch.testing.assert_close(images, expected, atol=1e-4, rtol=0)


def test_token_ids_of_padding_change_nothing(pipeline):
    graph = SamplingGraph(pipeline)
    token_ids, mask = pipeline.text_encoder.tokenizer(CAPTIONS)
    noise = torch.randn(3, *pipeline.generator.noise_shape)
    with torch.no_grad():
        images = graph(token_ids, mask, noise)
        token_ids[~mask] = 7
        torch.testing.assert_close(graph(token_ids, mask, noise), images, atol=1e-5, rtol=0)


def test_a_pipeline_of_half_precision_is_written_in_float32(make_pipeline):
    graph = SamplingGraph(make_pipeline().bfloat16())
    assert graph(*graph.example()).dtype == torch.float32


@pytest.mark.parametrize(
    "options", [{"num_layers": 2}, {"bidirectional": True}, {"batch_first": False}, {"bias": False}]
)
def test_a_recurrence_that_cannot_be_scanned_is_refused(make_pipeline, options):
    pipeline = make_pipeline()
    pipeline.text_encoder.order.forwards = torch.nn.GRU(8, 8, **{"batch_first": True} | options)
    with pytest.raises(ValueError, match="must be of one layer and one direction, got GRU"):
        trace(SamplingGraph(pipeline))
