from copy import deepcopy

import pytest

from textgan.file.arguments import upgraded_arguments

GENERATOR = "textgan.generator.attention.AttentionGenerator"
POSTERIOR = "textgan.posterior.convolution.ConvolutionPosterior"


@pytest.mark.parametrize(("channels", "shape"), [({"channels": 1}, [1, 32, 32]), ({}, [3, 32, 32])])
def test_image_size_and_channels_become_a_sample_shape(channels, shape):
    arguments = {"image_size": 32, "width": 8, **channels}
    hydra = {"generator": {"_target_": GENERATOR, **arguments}, "others": [1, None]}
    lightning = {"init_args": {"posterior": {"class_path": POSTERIOR, "init_args": arguments}}}
    before = deepcopy((hydra, lightning))
    expected = {"width": 8, "sample_shape": shape}
    assert upgraded_arguments(hydra)["generator"] == {"_target_": GENERATOR, **expected}
    found = upgraded_arguments(lightning)["init_args"]["posterior"]["init_args"]
    assert found == expected
    assert (hydra, lightning) == before


def test_links_of_both_become_one_link():
    model = {"generator": {"_target_": GENERATOR, "image_size": 32, "channels": 1}}
    links = {"model.generator.image_size": "${image_size}", "model.generator.width": "${width}"}
    upgraded_arguments(model, links, "model")
    assert links == {
        "model.generator.width": "${width}",
        "model.generator.sample_shape": "[1, ${image_size}, ${image_size}]",
    }


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": GENERATOR, "sample_shape": [3, 16, 16]},
        {"_target_": "mine.Generator", "image_size": 16},
        {"_target_": ["x"], "image_size": 16},
        {"class_path": GENERATOR, "init_args": None},
    ],
)
def test_other_nodes_stay_as_they_are(node):
    assert upgraded_arguments(node) == node
