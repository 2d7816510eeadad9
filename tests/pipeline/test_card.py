"""A model card describes a pipeline, its use, and only numbers of its own evaluation."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image

from textgan.errors import ConfigError
from textgan.image import captioned_grid
from textgan.pipeline import Card, GANPipeline, TextToImagePipeline
from textgan.pretrained.frozen import weights_hash

CAPTIONS = ["a red circle", 'a "blue" star', "two circles", "", "a star"]


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline) -> GANPipeline:
    return tiny_pipeline(CAPTIONS)


@pytest.fixture
def evaluation(pipeline, tmp_path):
    """Writes an evaluation of the pipeline, with parts of it replaced."""

    def write(**replaced) -> Path:
        number = {"value": 0.98765, "n": 2000, "low": 0.98, "high": 0.99, "spread": None}
        nothing = dict.fromkeys(("n", "low", "high"))
        content = {
            "format_version": 1,
            "model": {"weights_sha256": weights_hash(pipeline), "images_seen": 8},
            "data": {"class": "textgan.data.Shapes", "split": "test", "pictures": 2000},
            "protocols": {"shape_alignment": {"seed": 0}, "speed": {"seed": 0}},
            "skipped": {},
            "numbers": {
                "shape_alignment/all": {**number, "metric": "shape_alignment"},
                "speed": {**nothing, "value": 12, "spread": 0.5, "metric": "speed"},
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
    content = Card(captions=CAPTIONS, licence="apache-2.0", tags=["emoji"])
    card = pipeline.save_card(tmp_path, content)
    assert card == tmp_path / "README.md"
    assert front_matter(card) == {
        "library_name": "textgan",
        "pipeline_tag": "text-to-image",
        "license": "apache-2.0",
        "tags": ["textgan", "emoji"],
        "widget": [{"text": caption} for caption in CAPTIONS if caption],
    }
    assert "license" not in front_matter(pipeline.save_card(tmp_path, Card(captions="a star")))


def test_the_grid_is_what_the_pipeline_draws_of_the_captions(pipeline, tmp_path):
    pipeline.save_card(tmp_path, Card(captions=iter(CAPTIONS), seed=3))
    images = pipeline(CAPTIONS, seed=3, output_type="pt").images
    grid = Image.open(tmp_path / "grid.png")
    assert grid.tobytes() == captioned_grid(images, CAPTIONS, columns=4).tobytes()
    card = (tmp_path / "README.md").read_text()
    assert "](grid.png)" in card
    assert "images of 16 x 16 pixels from captions: a `GANPipeline` of textgan" in card
    with pytest.raises(ValueError, match="captions must hold at least one caption"):
        pipeline.save_card(tmp_path, Card(captions=[]))


def test_the_code_of_the_card_draws(pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipeline.save_pretrained("my pipe")
    card = pipeline.save_card("my pipe", Card(captions=CAPTIONS[1:]))
    code = re.search(r"```python\n(.*?)```", card.read_text(), re.DOTALL).group(1)
    assert len(code.strip().splitlines()) == 4  # one of them empty
    exec(code, {})
    sampled = Image.open("sample.png")
    assert sampled.tobytes() == pipeline(CAPTIONS[1]).images[0].tobytes()


def test_the_numbers_stand_with_their_interval_and_n(pipeline, tmp_path, evaluation):
    content = Card(captions="a star", evaluation=evaluation())
    card = pipeline.save_card(tmp_path, content).read_text()
    assert "| `shape_alignment/all` | 0.9877 | 0.9800 to 0.9900 |  | 2,000 |\n" in card
    assert "| `speed` | 12.00 |  | 0.5000 |  |\n" in card
    assert "on 2,000 images of `textgan.data.Shapes` (test)" in card
    assert "Evaluation" not in pipeline.save_card(tmp_path, Card(captions="a star")).read_text()


def test_data_licence_and_command_are_told_or_said_to_be_missing(pipeline, tmp_path):
    said = {"data": "Noto Emoji, Apache-2.0.", "licence": "mit", "command": "textgan fit -m x\n"}
    card = pipeline.save_card(tmp_path, Card(captions="a star", **said)).read_text()
    assert "Training data: Noto Emoji, Apache-2.0.\n" in card
    assert "Licence of the weights: mit\n" in card
    assert "```bash\ntextgan fit -m x\n```" in card
    said["command"] = "textgan fit 'data.root=```'"
    card = pipeline.save_card(tmp_path, Card(captions="a star", **said)).read_text()
    assert "\n````bash\ntextgan fit 'data.root=```'\n````\n" in card
    card = pipeline.save_card(tmp_path, Card(captions="a star")).read_text()
    assert "Training data: not stated\n" in card
    assert "Licence of the weights: not stated\n" in card
    assert "bash" not in card


def test_numbers_of_another_model_and_broken_ones_are_refused(pipeline, tmp_path, evaluation):
    other = {"weights_sha256": "ab" * 32, "images_seen": 8}
    with pytest.raises(ValueError, match=r"must be of the pipeline's own weights, .*abab"):
        pipeline.save_card(tmp_path, Card("a star", evaluation=evaluation(model=other)))
    with pytest.raises(ConfigError, match=r"numbers.fid must be an object whose metric"):
        pipeline.save_card(tmp_path, Card("a star", evaluation=evaluation(numbers={"fid": {}})))
    with pytest.raises(ConfigError, match=r"nowhere.json cannot be read"):
        pipeline.save_card(tmp_path, Card("a star", evaluation=tmp_path / "nowhere.json"))
    assert not (tmp_path / "README.md").exists()


def test_a_licence_that_is_no_word_is_a_sentence():
    with pytest.raises(ValueError, match=r"licence must be a word .* got 'MIT: see\\nLICENSE'"):
        Card(captions="a", licence="MIT: see\nLICENSE")


def test_what_textgan_test_wrote_is_a_table_of_the_saved_pipeline(textgan, trained):
    status, _, err = textgan(
        "test", f"ckpt_path={trained / 'last.ckpt'}", "metric=[sharpness]", "hydra.run.dir=measured"
    )
    assert status == 0, err
    saved = TextToImagePipeline.from_pretrained(trained / "pipeline")
    evaluation = next(Path("measured").rglob("evaluation.json"))
    card = saved.save_card("card", Card(captions="a star", evaluation=evaluation)).read_text()
    numbers = json.loads(evaluation.read_text())["numbers"]
    assert numbers
    assert re.findall(r"^\| `(.+?)` ", card, re.MULTILINE) == list(numbers)


def test_what_is_pushed_is_a_pipeline_with_its_card(pipeline, tmp_path, evaluation, monkeypatch):
    pushed = {}

    def upload(folder, repo_id, **said):
        shutil.copytree(folder, tmp_path / "hub")
        pushed.update(said, folder=folder)
        return f"https://huggingface.co/{repo_id}"

    monkeypatch.setattr("textgan.pipeline.base.upload", upload)
    facts = {"data": "Shapes.", "licence": "mit", "command": "textgan fit", "tags": ["shapes"]}
    card = Card(captions=CAPTIONS, evaluation=evaluation(), **facts)
    address = pipeline.push_to_hub("me/mine", card, private=True, commit_message="first")
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
