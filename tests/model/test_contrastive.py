"""Contrastive training: what is learnt, evaluated, resumed and handed on."""

from dataclasses import fields
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

from textgan.comparison.stored import read
from textgan.data import Shapes
from textgan.image_encoder import ImageEncoder, ResNetImageEncoder
from textgan.loss import DAMSM, InfoNCE, SigLIP
from textgan.model import ContrastiveModel
from textgan.pipeline import ContrastivePipeline
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder, TextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import load_pipeline


def make_contrastive(**changes: object) -> ContrastiveModel:
    torch.manual_seed(0)
    arguments = {
        "image_encoder": ResNetImageEncoder(
            image_size=16, width=8, base_width=4, max_width=8, num_questions=2
        ),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "losses": {"info_nce": InfoNCE(), "damsm": DAMSM()},
        "optimizer": partial(torch.optim.Adam, lr=1e-3),
        "tokenizer_captions": 20,
    }
    names = {field.name for field in fields(Budget)}
    budget = {n: changes.pop(n) for n in names & changes.keys()}
    budget = Budget(**{"total_images": 24, **budget})
    return ContrastiveModel(**{**arguments, "budget": budget, **changes})


def states_equal(one: pl.LightningModule, two: pl.LightningModule) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_training_moves_both_encoders_the_temperature_and_the_average(fitted, data):
    trained, before = fitted(make_contrastive(), data(negatives=2)), make_contrastive().state_dict()
    moved = {
        name.partition(".")[0]
        for name, value in trained.state_dict().items()
        if name in before and value.is_floating_point() and not torch.equal(value, before[name])
    }
    assert {"image_encoder", "text_encoder", "losses", "ema"} <= moved
    assert int(trained.images_seen) == 24
    assert fitted.trainer.global_step == 6


def test_an_evaluation_has_retrieval_and_near_misses_where_there_are_negatives(
    trainer, data, tmp_path
):
    model = make_contrastive()
    model.text_encoder.fit_tokenizer(data().captions(50))
    model.ema.copy_from(model._followed())
    (found,) = trainer().test(model, data(negatives=1, test_size=12), verbose=False)
    assert {f"test/retrieval/image_to_text_r{k}" for k in (1, 5, 10)} <= found.keys()
    assert "test/near_misses/accuracy" in found
    (found,) = trainer().test(model, data(test_size=12), verbose=False)
    assert "test/near_misses/accuracy" not in found
    assert "test/classification/accuracy" not in found
    report = model.report(source="here")
    assert report.data["pictures"] == 12
    assert report.protocols.keys() == {"retrieval"}
    assert report.numbers["retrieval/image_to_text_r1"]["n"] == 12
    assert "Most similar images" in report.images
    assert (
        read(report.save_json(tmp_path))["protocols"]["retrieval"]["seed"] == 0
    )  # so compare can read it


class Classes(Shapes):
    """Circles and squares, as classes."""

    class_names = ["circle", "square"]

    def labels(self, split: str) -> torch.Tensor:
        dataset = self.dataset(split)
        scenes = dataset.scenes(range(len(dataset)))
        return torch.tensor([self.class_names.index(s.objects[0].shape) for s in scenes])


def test_classes_are_told_by_their_names_and_confusions_are_counted(trainer):
    model = make_contrastive(templates=("a {}",))
    sizes = {"image_size": 16, "batch_size": 4, "test_size": 10, "max_objects": 1}
    data = Classes(**sizes, shapes=["circle", "square"], held_out=[])
    model.text_encoder.fit_tokenizer(data.captions(50))
    model.ema.copy_from(model._followed())
    (found,) = trainer().test(model, data, verbose=False)
    confusion = model.evaluation.confusion
    labels = data.labels("test")
    assert confusion.sum(1).tolist() == [int((labels == n).sum()) for n in (0, 1)]
    accuracy = float(confusion.trace()) / 10
    assert found["test/classification/accuracy"] == pytest.approx(accuracy)
    assert "Confusion matrix" in model.report().images


def test_a_resumed_run_is_the_uninterrupted_one(trainer, data, tmp_path):
    whole = make_contrastive()
    trainer().fit(whole, data(negatives=1))
    half = make_contrastive()
    first = trainer(max_steps=3)
    first.fit(half, data(negatives=1))
    first.save_checkpoint(tmp_path / "half.ckpt")
    again = make_contrastive()
    trainer().fit(again, data(negatives=1), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert int(half.images_seen) == 12
    assert states_equal(again, whole)


def test_a_checkpoint_holds_a_pipeline_that_encodes_as_the_model_does(trainer, data, tmp_path):
    model = make_contrastive()
    one = trainer()
    one.fit(model, data())
    one.save_checkpoint(tmp_path / "last.ckpt")
    loaded, images = load_pipeline(tmp_path / "last.ckpt"), torch.rand(3, 3, 16, 16)
    assert isinstance(loaded, ContrastivePipeline)
    theirs = model.pipeline().encode_images(images)
    torch.testing.assert_close(loaded.encode_images(images), theirs)
    assert loaded.temperature == pytest.approx(float(model.losses["info_nce"].temperature()))


def test_parts_of_what_was_saved_start_other_models_and_their_lineage_is_known(
    fitted, data, tmp_path
):
    model = fitted(make_contrastive(), data())
    model.pipeline().save_pretrained(tmp_path)
    image_encoder = ImageEncoder.from_pretrained(tmp_path, part="image_encoder")
    text_encoder = TextEncoder.from_pretrained(tmp_path, part="text_encoder")
    child = make_contrastive(image_encoder=image_encoder, text_encoder=text_encoder)
    assert model.pipeline().lineage() <= child.pipeline().lineage()
    assert text_encoder(["a red circle"]).pooled.shape == (1, 8)
    assert "image_encoder.from_image.weight" in load_file(tmp_path / "model.safetensors")


def test_another_run_of_the_same_seed_is_no_relative(fitted, data):
    one, other = (fitted(make_contrastive(), data(seed=seed)) for seed in (0, 1))
    assert not one.pipeline().lineage() & other.pipeline().lineage()


def test_no_decay_pulls_at_temperatures_and_biases(fitted, data):
    decaying = partial(torch.optim.AdamW, lr=0.0, weight_decay=0.5)
    groups = make_contrastive(optimizer=decaying).configure_optimizers()[0].param_groups
    decayed = [p.ndim > 1 for group in groups for p in group["params"] if group["weight_decay"]]
    assert decayed
    assert all(decayed)
    assert any(p.ndim == 0 for group in groups for p in group["params"])


def test_a_checkpoint_of_another_model_is_refused_in_words(fitted, data, trainer, tmp_path, model):
    fitted(make_contrastive(), data())
    fitted.trainer.save_checkpoint(tmp_path / "encoders.ckpt")
    with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict"):
        trainer().fit(model(), data(), ckpt_path=tmp_path / "encoders.ckpt", weights_only=True)


def test_a_child_of_a_judge_is_refused_as_judge_too(fitted, data, tmp_path):
    model = fitted(make_contrastive(), data())
    model.pipeline().save_pretrained(tmp_path / "parent")
    parent = ImageEncoder.from_pretrained(tmp_path / "parent", part="image_encoder")
    child = fitted(make_contrastive(image_encoder=parent), data())
    child.pipeline().save_pretrained(tmp_path / "child")
    grown = ImageEncoder.from_pretrained(tmp_path / "child", part="image_encoder")
    grandchild = make_contrastive(image_encoder=grown).pipeline()
    assert model.pipeline().lineage() <= grandchild.lineage()


def test_what_goes_on_from_a_judge_is_its_child(trainer, data, tmp_path):
    half, again = make_contrastive(), make_contrastive()
    first = trainer(max_steps=3)
    first.fit(half, data())
    first.save_checkpoint(tmp_path / "half.ckpt")
    assert not half.pipeline().ancestors
    trainer().fit(again, data(), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert half.pipeline().lineage() < again.pipeline().lineage()


@pytest.mark.parametrize(
    ("losses", "aligned"),
    [
        ({"info_nce": InfoNCE()}, ("pooled",)),
        ({"siglip": SigLIP(), "damsm": DAMSM(sentence=False)}, ("pooled", "words")),
        ({"damsm": DAMSM(words=False)}, ("pooled",)),
        ({"damsm": DAMSM()}, ("pooled", "words")),
        ({"info_nce": InfoNCE(), "damsm": DAMSM(weight=0.0)}, ("pooled",)),
        ({"info_nce": InfoNCE(weight=[[0, 1], [1, 0]])}, ("pooled",)),
    ],
)
def test_an_encoder_knows_which_of_its_features_were_aligned(losses, aligned, tmp_path):
    model = make_contrastive(losses=losses)
    model.text_encoder.fit_tokenizer(["a"])
    model.ema.copy_from(model._followed())
    model.pipeline().save_pretrained(tmp_path)
    encoder = ImageEncoder.from_pretrained(tmp_path, part="image_encoder")
    assert encoder.aligned == aligned


def test_a_transformer_that_was_never_trained_is_not_frozen(trainer, data):
    frozen = FrozenTextEncoder(BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270))
    with pytest.raises(ValueError, match="it has a vocabulary, or was never trained"):
        trainer().fit(make_contrastive(text_encoder=frozen), data())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"losses": {}}, "losses must hold at least one term"),
        (
            {"losses": {"one": InfoNCE(weight=[[0.1, 0.0], [0.2, 1.0]]), "two": DAMSM(weight=0)}},
            "one of the losses must have a weight at any time, but at 0 of the budget it is 0 for "
            "one, two",
        ),
        (
            {"text_encoder": BertTextEncoder(width=16, depth=1, num_heads=2, vocab_size=270)},
            "must have one width, got 8 and 16",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        make_contrastive(**changes)


def test_a_spoilt_term_stops_the_training_and_is_named(trainer, data):
    model = make_contrastive(losses={"info_nce": InfoNCE(), "siglip": SigLIP()})
    torch.nn.init.constant_(model.losses["siglip"].bias, float("nan"))
    with pytest.raises(ArithmeticError, match="loss term contrastive/siglip is nan"):
        trainer().fit(model, data())


def test_two_processes_end_equal_and_where_one_with_twice_the_batch_does(states_of):
    def train(batch_size: int, **options: object) -> list[dict[str, torch.Tensor]]:
        model = make_contrastive(
            losses={"info_nce": InfoNCE(), "damsm": DAMSM(), "siglip": SigLIP()},
            optimizer=partial(torch.optim.SGD, lr=0.05),
            learning_rate_decay_start=1.0,
            ema_half_life_images=20,
        )
        sizes = {"batch_size": batch_size, "negatives": 2}
        return [one["state"] for one in states_of(model, sizes, precision="64-true", **options)]

    first, second = train(4, devices=2, strategy="ddp_fork_find_unused_parameters_true")
    (alone,) = train(8)
    name = "image_encoder.pooled.weight"
    assert (alone[name] - make_contrastive().state_dict()[name]).abs().max() > 1e-3
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        assert (first[name] - value).abs().max() <= 1e-10, name
