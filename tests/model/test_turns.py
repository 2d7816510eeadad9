"""Each optimizer moves exactly its own parts, whatever the model is composed of."""

import copy
from itertools import product
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from textgan.image_encoder import ResNetImageEncoder
from textgan.loss import Loss
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder
from textgan.training.model import TrainedModel

CONF = Path(__file__).parents[2] / "conf"
FROM_RUN = ("from_pretrained", "EfficientNet", "package:")
# Those of an autoencoder's latents are the same networks for other shapes.
STEMS = sorted(file.stem for file in (CONF / "discriminator").glob("*.yaml"))
DISCRIMINATORS = [None, *(stem for stem in STEMS if "latent" not in stem)]


def image_encoder() -> ResNetImageEncoder:
    torch.manual_seed(2)
    return ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)


def text_encoder() -> BertTextEncoder:
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a large red circle on a white background"] * 2)
    return encoder


def built(file: Path, load_choice):
    """What a YAML file describes, at 16 px; encoders of other runs and of packages are tiny."""
    shared = {"image_size": 16, "channels": 3, "text_width": 8, "noise_width": 3}
    config = OmegaConf.create({**shared, "part": load_choice(file)}).part
    nodes = OmegaConf.to_container(config, resolve=False)
    taken = [key for key, node in nodes.items() if any(word in str(node) for word in FROM_RUN)]
    for key in taken:
        del config[key]
    parts = {"image_encoder": image_encoder, "text_encoder": text_encoder}
    return instantiate(config, _convert_="all", **{key: parts[key]() for key in taken})


def terms(load_choice, parts: set[str]) -> dict[str, Loss]:
    """Every term of `conf/loss` whose parts are there, with a constant weight."""
    found = {}
    for file in sorted((CONF / "loss").glob("*.yaml")):
        choice = load_choice(file)
        if not issubclass(get_class(choice["_target_"]), Loss):
            continue
        term = built(file, load_choice)
        if parts >= set(term.needs):
            term.generator_weight = term.discriminator_weight = 1.0
            found[file.stem] = term
    return found


@pytest.mark.parametrize(
    ("discriminator", "posterior", "frozen"),
    [*product(DISCRIMINATORS, [True, False], [False]), ("projection", True, True)],
    ids=str,
)
def test_an_optimizer_moves_its_own_parts_alone(
    model, fitted, data, load_choice, monkeypatch, discriminator, posterior, frozen
):
    changes = {"posterior": None} if not posterior else {}
    changes["discriminator"] = None
    if discriminator is not None:
        file = CONF / "discriminator" / f"{discriminator}.yaml"
        changes["discriminator"] = built(file, load_choice)
    present = {"text_encoder", *(["discriminator"] if discriminator else [])}
    present |= {"posterior"} if posterior else set()
    changes["losses"] = terms(load_choice, present)
    if discriminator and not changes["discriminator"].reads_text:
        both = {"discriminator", "text_encoder"}
        kept = {name: t for name, t in changes["losses"].items() if not both <= {*t.needs}}
        changes["losses"] = kept
    if frozen:
        changes["text_encoder"] = FrozenTextEncoder(text_encoder())
    moved, touched, step = {}, {}, TrainedModel.step_optimizer

    def watched(self, name, loss, log):
        before = copy.deepcopy(dict(self.named_parameters()))
        for parameter in self.parameters():
            parameter.grad = None
        step(self, name, loss, log)
        after = dict(self.named_parameters())
        for found, names in (
            (moved, [n for n, p in after.items() if not torch.equal(p, before[n])]),
            (touched, [n for n, p in after.items() if p.grad is not None]),
        ):
            found.setdefault(name, set()).update(n.partition(".")[0] for n in names)

    monkeypatch.setattr(TrainedModel, "step_optimizer", watched)
    fitted(model(total_images=16, **changes), data(negatives=1))
    generating = {"generator"} | ({"posterior"} if posterior else set())
    generating |= set() if frozen else {"text_encoder"}
    assert moved["generator"] == touched["generator"] == generating
    if discriminator is None:
        assert set(moved) == {"generator"}
    else:
        assert {"discriminator"} <= moved["discriminator"] <= {"discriminator", "losses"}
        assert touched["discriminator"] <= {"discriminator", "losses"}


def test_a_term_that_needs_two_samples_gets_different_ones(model, fitted, data):
    class Watch(Loss):
        samples_per_caption = 2

        def generator_loss(self, step):
            seen.append((step.fake.detach(), step.second_fake.detach()))
            return (step.fake + step.second_fake).square().mean()

    seen = []
    changes = {"posterior": None, "discriminator": None, "losses": {"watch": Watch()}}
    fitted(model(total_images=8, **changes), data())
    assert len(seen) == 2
    for first, second in seen:
        assert first.shape == second.shape == (4, 3, 16, 16)
        assert not torch.equal(first, second)
