"""The graph before it is traced."""

import pytest
import torch

from textgan.export.graph import SamplingGraph, trace
from textgan.pipeline import GANPipeline
from textgan.posterior import ConvolutionPosterior

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


def test_the_posterior_of_a_pipeline_is_left_out(pipeline):
    posterior = ConvolutionPosterior(sample_shape=(3, 16, 16), text_width=8, noise_width=4)
    editing = GANPipeline(pipeline.generator, pipeline.text_encoder, posterior=posterior).eval()
    graphs = [SamplingGraph(each) for each in (pipeline, editing)]
    assert graphs[1].state_dict().keys() == graphs[0].state_dict().keys()
    inputs = graphs[0].example()
    assert torch.equal(graphs[1](*inputs), graphs[0](*inputs))
    assert editing.posterior is posterior
    assert "edit" in editing.abilities


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
