"""`textgan describe`."""

import json
import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.data import Folder
from textgan.pipeline import DallePipeline
from textgan.pretrained.files import read_config
from textgan.prior import GPTPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def saved(folder: Path, text_vocabulary: int | None) -> Path:
    torch.manual_seed(0)
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 16, 16), quantizer=FSQ(levels=(4, 4)), **SMALL
    )
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    small = {"text_width": 8, "width": 12, "depth": 1, "num_heads": 2, "max_text_length": 5}
    prior = GPTPrior((1, 2, 2), 16, text_vocabulary=text_vocabulary, **small)
    if text_vocabulary:
        word = encoder.tokenizer(["red"])[0][0, 1]
        prior.token_head.logits.bias.data[word] = 99.0
    DallePipeline(prior, encoder, autoencoder).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("describing") / "pipeline", 270)


@pytest.fixture
def image_files(tmp_path) -> Path:
    root = tmp_path / "image_files"
    (root / "below").mkdir(parents=True)
    for name in ("a.png", "below/b.webp"):
        Image.new("RGB", (20, 30), "red").save(root / name)
    return Path("image_files")


def test_a_captions_file_is_written_that_a_folder_reads(textgan, image_files, model):
    status, out, err = textgan("describe", str(image_files), "--model", str(model))
    assert status == 0, err
    assert out == "image_files/metadata.jsonl: captions of 2 images\n"
    lines = (image_files / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["file_name"] for row in rows] == ["a.png", "below/b.webp"]
    assert all("re" in row["text"] for row in rows)
    data = Folder(image_files, batch_size=2, image_size=16, val_share=0)
    (batch,) = data.still_batches("train")
    assert batch.captions == [row["text"] for row in rows]


def test_an_existing_file_is_never_replaced(refused, image_files, model):
    (image_files / "metadata.jsonl").write_text("{}")
    err = refused("describe", str(image_files), "--model", str(model))
    assert "image_files/metadata.jsonl exists already, and is not replaced" in err
    assert (image_files / "metadata.jsonl").read_text() == "{}"


def test_another_file_may_be_written(textgan, refused, image_files, model):
    words = [str(image_files), "--model", str(model)]
    assert textgan("describe", *words, "--out", "new/x.jsonl")[0] == 0
    assert Path("new/x.jsonl").is_file()
    assert "--out must end in .jsonl, got 'x.csv'" in refused("describe", *words, "--out", "x.csv")


def test_a_model_that_makes_no_captions_is_a_sentence(refused, image_files, generative, tmp_path):
    plain = saved(tmp_path / "plain", None)
    for folder in (plain, generative):
        err = refused("describe", str(image_files), "--model", str(folder))
        assert "a model that makes captions of images is trained by `textgan fit" in err


def test_the_newest_run_that_can_describe_is_taken(textgan, image_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "runs" / "able" / "pipeline", 270)
    newer = saved(tmp_path / "runs" / "unable" / "pipeline", None)
    for file in newer.iterdir():
        os.utime(file, (2**32, 2**32))
    status, _, err = textgan("describe", str(image_files))
    assert status == 0, err
    assert (image_files / "metadata.jsonl").is_file()


def test_abilities_are_read_from_a_configuration(tmp_path):
    for vocabulary, able in ((270, True), (None, False)):
        folder = saved(tmp_path / str(vocabulary), vocabulary)
        abilities = DallePipeline.abilities_of(read_config(folder))
        assert ("describe" in abilities) == able
        assert abilities == DallePipeline.from_pretrained(folder).abilities
