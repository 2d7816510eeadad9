"""A card says what a pipeline is, how to draw with it, and only numbers that are its own."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image

from textgan.frozen import weights_hash
from textgan.image import captioned_grid
from textgan.pipeline import GANPipeline, TextToImagePipeline
from textgan.pipeline.card import push_to_hub, save_card

CAPTIONS = ["a red circle", 'a "blue" star', "two circles", "", "a star"]


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline) -> GANPipeline:
    return tiny_pipeline(CAPTIONS)


@pytest.fixture
def evaluation(pipeline, tmp_path):
    """Writes an evaluation of the pipeline, with parts of it replaced."""

    def write(**replaced) -> Path:
        number = {"value": 0.98765, "n": 2000, "low": 0.98, "high": 0.99, "spread": None}
        content = {
            "format_version": 1,
            "model": {"weights_sha256": weights_hash(pipeline)},
            "data": {"class": "textgan.data.Shapes", "split": "test", "pictures": 2000},
            "numbers": {
                "shape_alignment/all": {**number, "metric": "shape_alignment"},
                "speed": {"value": 12, "n": None, "low": None, "high": None, "spread": 0.5},
            },
        }
        file = tmp_path / "evaluation.json"
        file.write_text(json.dumps(content | replaced))
        return file

    return write


def front_matter(card: Path) -> dict:
    _, front, _ = card.read_text().split("---\n", 2)
    return yaml.safe_load(front)


def test_front_matter_says_what_the_hub_sorts_by(pipeline, tmp_path):
    card = save_card(pipeline, tmp_path, captions=CAPTIONS, licence="apache-2.0", tags=["emoji"])
    assert card == tmp_path / "README.md"
    assert front_matter(card) == {
        "library_name": "textgan",
        "pipeline_tag": "text-to-image",
        "license": "apache-2.0",
        "tags": ["textgan", "emoji"],
        "widget": [{"text": caption} for caption in CAPTIONS if caption],
    }
    assert "license" not in front_matter(save_card(pipeline, tmp_path, captions="a star"))


def test_the_grid_is_what_the_pipeline_draws_of_the_captions(pipeline, tmp_path):
    save_card(pipeline, tmp_path, captions=iter(CAPTIONS), seed=3)
    images = pipeline(CAPTIONS, seed=3, output_type="pt").images
    grid = Image.open(tmp_path / "grid.png")
    assert grid.tobytes() == captioned_grid(images, CAPTIONS, columns=4).tobytes()
    card = (tmp_path / "README.md").read_text()
    assert "](grid.png)" in card
    assert "pictures of 16 x 16 pixels from captions: a `GANPipeline` of textgan" in card
    with pytest.raises(ValueError, match="captions must hold at least one caption"):
        save_card(pipeline, tmp_path, captions=[])


def test_the_code_of_the_card_draws(pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipeline.save_pretrained("my pipe")
    card = save_card(pipeline, "my pipe", captions=CAPTIONS[1:])
    code = re.search(r"```python\n(.*?)```", card.read_text(), re.DOTALL).group(1)
    assert len(code.strip().splitlines()) == 4  # one of them empty
    exec(code, {})
    drawn = Image.open("drawn.png")
    assert drawn.tobytes() == pipeline(CAPTIONS[1]).images[0].tobytes()


def test_the_numbers_stand_with_their_interval_and_n(pipeline, tmp_path, evaluation):
    card = save_card(pipeline, tmp_path, captions="a star", evaluation=evaluation()).read_text()
    assert "| `shape_alignment/all` | 0.9877 | 0.98 to 0.99 |  | 2,000 |\n" in card
    assert "| `speed` | 12 |  | 0.5 |  |\n" in card
    assert "on 2,000 pictures of `textgan.data.Shapes` (test)" in card
    assert "How good" not in save_card(pipeline, tmp_path, captions="a star").read_text()


def test_data_licence_and_command_are_told_or_said_to_be_missing(pipeline, tmp_path):
    said = {"data": "Noto Emoji, Apache-2.0.", "licence": "mit", "command": "textgan fit -m x\n"}
    card = save_card(pipeline, tmp_path, captions="a star", **said).read_text()
    assert "Training data: Noto Emoji, Apache-2.0.\n" in card
    assert "Licence of the weights: mit\n" in card
    assert "```bash\ntextgan fit -m x\n```" in card
    said["command"] = "textgan fit 'data.root=```'"
    card = save_card(pipeline, tmp_path, captions="a star", **said).read_text()
    assert "\n````bash\ntextgan fit 'data.root=```'\n````\n" in card
    card = save_card(pipeline, tmp_path, captions="a star").read_text()
    assert "Training data: not stated\n" in card
    assert "Licence of the weights: not stated\n" in card
    assert "bash" not in card


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"model": {"weights_sha256": "ab" * 32}}, "must be of the pipeline's own weights, .*abab"),
        ({"model": {}}, "must be of the pipeline's own weights, .* got those of None"),
        ({"format_version": 2}, "must be an evaluation of format version 1, got 2"),
        ({"numbers": []}, "must have an object under 'numbers'"),
        ({"numbers": {"fid": 3}}, "must have a finite value for 'fid', got None"),
        ({"numbers": {"fid": {"value": float("nan")}}}, "must have a finite value for 'fid'"),
    ],
)
def test_numbers_of_another_model_and_broken_ones_are_refused(
    pipeline, tmp_path, evaluation, replaced, said
):
    with pytest.raises(ValueError, match=said):
        save_card(pipeline, tmp_path, captions="a star", evaluation=evaluation(**replaced))
    assert not (tmp_path / "README.md").exists()


def test_an_evaluation_that_is_none_and_a_licence_that_is_no_word_are_sentences(pipeline, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match="is not valid JSON"):
        save_card(pipeline, tmp_path, captions="a", evaluation=tmp_path / "broken.json")
    with pytest.raises(FileNotFoundError, match=r"evaluation must be an evaluation.json, got"):
        save_card(pipeline, tmp_path, captions="a", evaluation=tmp_path / "nowhere.json")
    with pytest.raises(ValueError, match=r"licence must be a word .* got 'MIT: see\\nLICENSE'"):
        save_card(pipeline, tmp_path, captions="a", licence="MIT: see\nLICENSE")


def test_what_textgan_test_wrote_is_a_table_of_the_saved_pipeline(textgan, trained):
    status, _, err = textgan(
        "test", f"ckpt_path={trained / 'last.ckpt'}", "metric=[sharpness]", "hydra.run.dir=measured"
    )
    assert status == 0, err
    saved = TextToImagePipeline.from_pretrained(trained / "pipeline")
    evaluation = next(Path("measured").rglob("evaluation.json"))
    card = save_card(saved, "card", captions="a star", evaluation=evaluation).read_text()
    numbers = json.loads(evaluation.read_text())["numbers"]
    assert numbers
    assert re.findall(r"^\| `(.+?)` ", card, re.MULTILINE) == list(numbers)


def test_what_is_pushed_is_a_pipeline_with_its_card(pipeline, tmp_path, evaluation, monkeypatch):
    pushed = {}

    def upload(folder, repo_id, **said):
        shutil.copytree(folder, tmp_path / "hub")
        pushed.update(said, folder=folder)
        return f"https://huggingface.co/{repo_id}"

    monkeypatch.setattr("textgan.pipeline.card.upload", upload)
    address = push_to_hub(
        pipeline,
        "me/mine",
        captions=CAPTIONS,
        private=True,
        commit_message="first",
        evaluation=evaluation(),
        data="Shapes.",
        licence="mit",
        command="textgan fit",
        tags=["shapes"],
    )
    assert address == "https://huggingface.co/me/mine"
    assert not Path(pushed.pop("folder")).exists()
    assert pushed == {"private": True, "commit_message": "first"}
    files = sorted(file.name for file in (tmp_path / "hub").iterdir())
    assert files == ["README.md", "config.json", "grid.png", "model.safetensors"]
    again = TextToImagePipeline.from_pretrained(tmp_path / "hub")
    assert weights_hash(again) == weights_hash(pipeline)
    card = (tmp_path / "hub" / "README.md").read_text()
    assert "# me/mine\n" in card
    assert 'from_pretrained("me/mine")' in card
    for said in ("Shapes.", "mit", "textgan fit", "shape_alignment/all", "- shapes"):
        assert said in card, said
