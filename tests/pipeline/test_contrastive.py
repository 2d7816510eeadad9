import math
import warnings

import jsonargparse
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan.checkpoint.reading import FORMAT_VERSION
from textgan.image import from_uint8, to_pil
from textgan.image_encoder import ImageEncoder, ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline, Match, squares
from textgan.pretrained.frozen import Frozen, weights_hash
from textgan.pretrained.part import Part
from textgan.run.converter import to_lightning
from textgan.text_encoder import BertTextEncoder, TextEncoder
from textgan.training.checkpoint import load_pipeline
from textgan.types import ImageFeatures, TextFeatures

CAPTIONS = ["a red circle", "a blue square left of a green star", "two circles", ""]
ANCESTORS = ("a" * 64, "b" * 64)


@pytest.fixture(scope="module")
def pipeline(make_judge) -> ContrastivePipeline:
    return make_judge(CAPTIONS, temperature=0.2, ancestors=ANCESTORS)


@pytest.fixture(scope="module")
def saved(pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    pipeline.save_pretrained(folder)
    return folder


def random_images(n: int, channels: int = 3) -> Tensor:
    """(n, channels, 16, 16) in [-1, 1], of 8 bits."""
    generator = torch.Generator().manual_seed(n)
    return from_uint8(torch.randint(0, 256, (n, channels, 16, 16), generator=generator))


class Corner(ImageEncoder):
    """Encodes red and green of the first pixel: (-1, 1)^2."""

    image_size, channels, width, map_shapes = 2, 3, 2, []

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def encode(self, images):
        pooled = images[:, :2, 0, 0] * self.weight
        return ImageFeatures(pooled[:, None], pooled)


class Dictionary(TextEncoder):
    """Encodes known captions, with vectors of any length."""

    width, is_fitted = 2, True

    def __init__(self, known: dict[str, list[float]]) -> None:
        super().__init__()
        self.known = known

    def fit_tokenizer(self, captions):
        raise NotImplementedError

    def check_lengths(self, captions):
        raise NotImplementedError

    def spans(self, captions):
        raise NotImplementedError

    def forward(self, captions):
        pooled = torch.tensor([self.known[caption] for caption in captions])
        return TextFeatures(pooled[:, None], torch.ones(len(pooled), 1).bool(), pooled)


def by_hand(known: dict[str, list[float]], temperature: float = 0.5) -> ContrastivePipeline:
    return ContrastivePipeline(Corner(), Dictionary(known), temperature=temperature)


def red_green(*colours: tuple[float, float]) -> Tensor:
    """Images of one colour each."""
    colours = torch.tensor([[red, green, 0] for red, green in colours])
    return colours[..., None, None].expand(-1, 3, 2, 2)


def test_encodings_point_where_the_encoders_do_and_have_length_1(pipeline):
    images = random_images(3)
    for ours, theirs in (
        (pipeline.encode_images(images), pipeline.image_encoder(images).pooled),
        (pipeline.encode_texts(CAPTIONS), pipeline.text_encoder(CAPTIONS).pooled),
    ):
        expected = theirs.double() / theirs.double().square().sum(1, keepdim=True).sqrt()
        assert ours.dtype == torch.float32
        assert not ours.requires_grad
        torch.testing.assert_close(ours.double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_how_many_are_encoded_at_a_time_changes_nothing(pipeline, batch_size):
    images = random_images(5)
    for encode, given in ((pipeline.encode_images, images), (pipeline.encode_texts, CAPTIONS)):
        torch.testing.assert_close(encode(given, batch_size), encode(given))
    assert torch.equal(pipeline.encode_texts("a star"), pipeline.encode_texts(["a star"]))


def test_pil_images_are_encoded_as_their_tensors(pipeline):
    images = random_images(3)
    listed = [to_pil(image) for image in images]
    expected = pipeline.encode_images(images)
    torch.testing.assert_close(pipeline.encode_images(listed), expected)
    opaque = [image.convert("RGBA") for image in listed]
    torch.testing.assert_close(pipeline.encode_images(opaque), expected)
    gray = random_images(2, channels=1)
    torch.testing.assert_close(
        pipeline.encode_images([to_pil(image) for image in gray]),
        pipeline.encode_images(gray.expand(-1, 3, -1, -1)),
    )


def test_pil_images_of_any_sizes_are_their_middle_squares(pipeline):
    wide, tall = Image.new("RGB", (48, 16), "red"), Image.new("L", (16, 20), "black")
    middle = to_pil(random_images(1)[0])
    wide.paste(middle, (16, 0))
    tall.paste(middle.convert("L"), (0, 2))
    expected = pipeline.encode_images([middle, middle.convert("L")])
    torch.testing.assert_close(pipeline.encode_images([wide, tall]), expected)


def test_similarity_is_the_cosine_of_every_image_with_every_caption(pipeline):
    images = random_images(3)
    expected = F.cosine_similarity(
        pipeline.image_encoder(images).pooled.double()[:, None],
        pipeline.text_encoder(CAPTIONS).pooled.double()[None],
        dim=2,
    )
    similarity = pipeline.similarity(images, CAPTIONS)
    assert similarity.shape == (3, 4)
    torch.testing.assert_close(similarity.double(), expected, atol=1e-6, rtol=0)


def test_probabilities_are_the_softmax_of_cosines_over_the_temperature():
    known = {"a photo of a sun": [3.0, 0.0], "a photo of a leaf": [0.0, 0.1]}
    images = red_green((1, 0), (0, 0.5), (0.3, 0.4))
    probabilities = by_hand(known, temperature=0.5).classify(images, ["sun", "leaf"])
    sun = [1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2)), 1 / (1 + math.exp((0.8 - 0.6) / 0.5))]
    expected = torch.tensor([[share, 1 - share] for share in sun])
    torch.testing.assert_close(probabilities, expected)


def test_templates_are_averaged_at_length_1_and_the_mean_brought_back_to_it():
    known = {"sun": [9.0, 0.0], "{x} sun!": [0.0, 0.5], "leaf": [-1.0, 0.0], "{x} leaf!": [-2, 0]}
    pipeline = by_hand(known, temperature=1.0)
    probabilities = pipeline.classify(
        red_green((1, 0)), ["sun", "leaf"], templates=["{}", "{x} {}!"]
    )
    # the label "sun" points at (1, 1) / sqrt(2), "leaf" at (-1, 0)
    share = 1 / (1 + math.exp(-1 - 0.5**0.5))
    torch.testing.assert_close(probabilities, torch.tensor([[share, 1 - share]]))


def test_the_order_of_the_labels_is_that_of_the_columns(pipeline):
    images, labels = random_images(2), ["star", "circle", "square"]
    probabilities = pipeline.classify(images, labels)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
    torch.testing.assert_close(pipeline.classify(images, labels[::-1]), probabilities.flip(1))


@pytest.mark.parametrize(
    ("labels", "templates", "said"),
    [
        ([], ["{}"], r"labels must be all different and none empty, got \[\]"),
        (["a", "b", "a"], ["{}"], "labels must be all different"),
        (["a", ""], ["{}"], "labels must be all different and none empty"),
        (["a"], [], "templates must hold at least one"),
        (["a" * 10_001], ["{}"], "a label may have at most 10,000 characters, got 10,001"),
        (["a" * 9_999], ["of {}"], "a caption may have at most 10,000 characters, got 10,002"),
        (["a"], ["{}", "a photo"], r'template must hold exactly one "\{\}", got \'a photo\''),
        (["a"], ["{} and {}"], 'template must hold exactly one "{}"'),
    ],
)
def test_labels_and_templates_that_make_no_sense_are_sentences(pipeline, labels, templates, said):
    with pytest.raises(ValueError, match=said):
        pipeline.classify(random_images(1), labels, templates=templates)


def test_nothing_to_encode_is_a_sentence(pipeline):
    for call, given in ((pipeline.encode_images, []), (pipeline.encode_texts, [])):
        with pytest.raises(ValueError, match=r"must hold at least one, .* got 0 and 64"):
            call(given)
    with pytest.raises(ValueError, match="batch_size be at least 1, got 1 and 0"):
        pipeline.encode_images(random_images(1), 0)


def test_encoders_of_two_widths_and_a_temperature_of_0_are_refused(pipeline, make_encoder):
    with pytest.raises(ValueError, match="must have one width, got 8 and 4"):
        ContrastivePipeline(pipeline.image_encoder, make_encoder(["a"], width=4))
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="temperature must be positive"):
            by_hand({}, temperature)


@pytest.fixture
def folder(tmp_path):
    """Four colours, one of them below, one hidden, and a text file."""
    root = tmp_path / "images"
    (root / "below").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name, colour in {
        "black.png": "black",
        "green.png": "lime",
        "below/red.png": "red",
        "yellow.png": "yellow",
        ".hidden/red.png": "red",
    }.items():
        Image.new("RGB", (4, 4), colour).save(root / name)
    (root / "notes.txt").write_text("none")
    return root


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_search_finds_what_fits_best_first_and_equals_by_path(folder, batch_size):
    matches = by_hand({"reddish": [2.0, -2.0]}).search(folder, "reddish", batch_size=batch_size)
    expected = {"below/red.png": 1.0, "black.png": 0.0, "yellow.png": 0.0, "green.png": -1.0}
    assert [match.path for match in matches] == [folder / name for name in expected]
    assert [match.similarity for match in matches] == pytest.approx([*expected.values()], abs=1e-6)


def test_search_returns_the_best_ones_alone(folder):
    pipeline = by_hand({"reddish": [2.0, -2.0]})
    assert pipeline.search(folder, "reddish", top=1) == [
        Match(folder / "below/red.png", pytest.approx(1.0))
    ]
    assert len(pipeline.search(str(folder), "reddish", top=99)) == 4


def test_broken_images_are_skipped_with_one_warning_that_counts_them(folder):
    pipeline = by_hand({"reddish": [2.0, -2.0]})
    for name in ("black.png", "yellow.png"):
        (folder / name).write_bytes(b"broken")
    with pytest.warns(UserWarning, match=r"2 of 4 images were skipped: \S*black.png") as said:
        matches = pipeline.search(folder, "reddish")
    assert len(said) == 1
    assert [match.path.stem for match in matches] == ["red", "green"]
    for name in ("below/red.png", "green.png"):
        (folder / name).write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"none of the 4 in .* can: .*Pillow can read"):
        pipeline.search(folder, "reddish")


def test_a_whole_folder_is_searched_without_a_warning(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_hand({"reddish": [2.0, -2.0]}).search(folder, "reddish")


def test_a_search_that_finds_nothing_is_a_sentence(folder, tmp_path):
    pipeline = by_hand({"x": [1.0, 0.0]})
    with pytest.raises(ValueError, match="top must be at least 1, got 0"):
        pipeline.search(folder, "x", top=0)
    with pytest.raises(ValueError, match="batch_size be at least 1, got 1 and 0"):
        pipeline.search(folder, "x", batch_size=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="folder must hold images"):
        pipeline.search(tmp_path / "empty", "x")
    with pytest.raises(FileNotFoundError, match="folder must be an existing folder of images"):
        pipeline.search(tmp_path / "nowhere", "x")


@pytest.mark.parametrize("many", [3, 4])
def test_many_images_have_a_bar_on_the_error_output(folder, many, monkeypatch, capfd):
    monkeypatch.setattr(squares, "_MANY", many)
    monkeypatch.setenv("FORCE_COLOR", "1")
    by_hand({"x": [1.0, 0.0]}).search(folder, "x", batch_size=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert ("reading 4 images" in err) == (many < 4)


def test_its_lineage_is_the_image_encoder_and_its_ancestors(pipeline, saved):
    own = weights_hash(pipeline.image_encoder)
    assert pipeline.lineage() == {own, *ANCESTORS}
    assert Part.from_pretrained(saved).lineage() == pipeline.lineage()
    guide = Frozen(ImageEncoder.from_pretrained(saved, part="image_encoder"))
    assert guide.lineage() == pipeline.lineage()


def test_a_saved_folder_encodes_the_same(pipeline, saved):
    again = ContrastivePipeline.from_pretrained(saved)
    assert again.config() == pipeline.config()
    assert (again.temperature, again.ancestors) == (0.2, list(ANCESTORS))
    images = random_images(2)
    assert torch.equal(again.encode_images(images), pipeline.encode_images(images))
    assert torch.equal(again.encode_texts(CAPTIONS), pipeline.encode_texts(CAPTIONS))


def test_either_encoder_is_loaded_alone_and_can_be_saved_in_another_pipeline(
    pipeline, saved, tmp_path
):
    images = ImageEncoder.from_pretrained(saved, part="image_encoder")
    texts = TextEncoder.from_pretrained(saved, part="text_encoder")
    assert (type(images), type(texts)) == (ResNetImageEncoder, BertTextEncoder)
    assert texts.is_fitted
    ContrastivePipeline(images, texts).save_pretrained(tmp_path)
    again = ContrastivePipeline.from_pretrained(tmp_path)
    expected = pipeline.similarity(random_images(2), CAPTIONS)
    assert torch.equal(again.similarity(random_images(2), CAPTIONS), expected)
    with pytest.raises(
        ValueError, match=r"one of image_encoder, text_encoder for .* got 'encoder'"
    ):
        ImageEncoder.from_pretrained(saved, part="encoder")


def test_a_configuration_names_a_part_through_the_abstract_base(pipeline, saved):
    target = "textgan.image_encoder.base.ImageEncoder.from_pretrained"
    config = {"part": {"_target_": target, "path": str(saved), "part": "image_encoder"}}
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--part", type=ImageEncoder)
    built = parser.instantiate(parser.parse_object(to_lightning(config))).part
    assert type(built) is ResNetImageEncoder
    assert weights_hash(built) == weights_hash(pipeline.image_encoder)


def test_a_checkpoint_gives_the_pipeline_with_the_averaged_weights(pipeline, tmp_path):
    averaged = {f"ema.averaged.{key}": value for key, value in pipeline.state_dict().items()}
    raw = {key: torch.zeros_like(value) for key, value in pipeline.state_dict().items()}
    ours = {"format_version": FORMAT_VERSION, "config": None, "frozen": {}}
    ours["pipeline"] = pipeline.config()
    ours["components"] = {name: f"ema.averaged.{name}" for name, _ in pipeline.named_children()}
    torch.save({"state_dict": {**averaged, **raw}, "textgan": ours}, tmp_path / "last.ckpt")
    again = load_pipeline(tmp_path / "last.ckpt")
    assert isinstance(again, ContrastivePipeline)
    assert weights_hash(again) == weights_hash(pipeline)
    assert not again.training
