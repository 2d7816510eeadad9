"""Images have the same size and number of channels in all parts."""

import re

import pytest

from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import ONE_FOR_ALL, read_yaml
from textgan.errors import ConfigError
from textgan.run.agreement import check_agreement
from textgan.run.converter import find_links

GROUPS = ("data", "generator", "discriminator", "posterior", "text_encoder", "image_encoder")


def config(module: str = "textgan", **changed: int) -> dict:
    sizes = {"data": 16, "generator": 16, "discriminator": 16} | changed
    made = {
        name: {"class_path": f"{module}.{name}.X", "init_args": {"sample_shape": [3, size, size]}}
        for name, size in sizes.items()
    }
    data = made.pop("data")
    data["init_args"] = {"image_size": sizes["data"]}
    return {"data": data, "model": {"class_path": "textgan.model.gan.GANModel", "init_args": made}}


@pytest.mark.parametrize("place", ["data", "generator", "discriminator", "posterior"])
def test_one_that_differs_is_named(place):
    check_agreement(config())
    with pytest.raises(ConfigError, match=rf"image_size must be the same .*32 in [\w.]*{place}"):
        check_agreement(config(**{place: 32}))


def test_a_class_of_the_users_own_may_mean_something_else():
    check_agreement(config("mine", data=32))


@pytest.mark.parametrize(
    "options",
    [
        ["--data.image_size", "32"],
        pytest.param(["--model.discriminator.sample_shape", "[1, 16, 16]"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_an_option_beside_a_file_is_one_sentence(options, refused, trained):
    name = "channels" if "discriminator" in options[0] else "image_size"
    err = refused("fit", "--config", str(trained / "run.yaml"), *options)
    assert f"{name}=... sets them all" in err


def test_every_scalar_that_several_groups_share_is_known():
    """A scalar of config.yaml that data and parts share is set for all, or may well differ."""
    shared: dict[str, set[str]] = {}
    for group in GROUPS:
        for path in (conf_folder() / group).glob("*.yaml"):
            for link in find_links(read_yaml(path)).values():
                for name in re.findall(r"\w+", link):
                    shared.setdefault(name, set()).add(group)
    several = {name for name, groups in shared.items() if len(groups) > 1}
    # Folders are read alike by all, and the shape of latents follows from one.
    assert several - {"encoders", "autoencoder_folder", "latent_shape"} == {*ONE_FOR_ALL}


SHARED = [
    ("data.image_size=32", "image_size", 32),
    ("data=folder data.root=x data.channels=1", "channels", 1),
    ("--model.posterior.noise_width 8", "noise_width", 8),
    ("model.text_encoder.width=64", "text_width", 64),
]


@pytest.mark.parametrize(("words", "name", "value"), SHARED, ids=str)
def test_setting_it_for_one_sets_it_for_all(words, name, value, composed):
    found = composed("fit", *words.split())
    assert found[name] == value
    parts = [part for part in (found["data"], *found["model"].values()) if isinstance(part, dict)]
    assert {part[name] for part in parts if name in part} <= {value}
    shape = [found["channels"], found["image_size"], found["image_size"]]
    assert all(part["sample_shape"] == shape for part in parts if "sample_shape" in part)


def test_two_that_differ_are_one_sentence(refused):
    err = refused("fit", "model.generator.noise_width=3", "--noise_width", "4")
    assert "noise_width must be the same for the data and all parts, got model.generator.n" in err
