"""Every caption comes back from its tokens, and the vocabulary goes wherever the weights go."""

import copy
import json
import os
import pickle
import subprocess
import sys
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from textgan.caption.tokenizer import Tokenizer
from textgan.pretrained.part import Part

CAPTIONS = [
    "a red circle on a blue field",
    "Two GREEN squares, and a  double space ",
    "一只猫坐在垫子上",
    "Кошка сидит на коврике",
    "قطة على سجادة",
    "चटाई पर बिल्ली",
    "cafe\u0301 and café, e\u0301\u0323",
    "😀 👩‍👩‍👧 🏳️‍🌈",
    "<pad><begin> means <end>",
    "tab\tand\nnewline\x00",
    "",
]


def fitted(**arguments) -> Tokenizer:
    tokenizer = Tokenizer(512, lowercase=False, **arguments)
    tokenizer.fit(CAPTIONS * 2)
    return tokenizer


@pytest.mark.parametrize("learnt", [CAPTIONS, ["a circle"]], ids=["seen", "unseen"])
def test_any_script_comes_back_exactly(learnt):
    tokenizer = Tokenizer(512, max_length=200, lowercase=False)
    tokenizer.fit(learnt)
    token_ids, mask = tokenizer(CAPTIONS)
    assert tokenizer.decode(token_ids) == CAPTIONS
    unpadded = [row[on].tolist() for row, on in zip(token_ids, mask, strict=True)]
    assert tokenizer.decode(unpadded) == CAPTIONS


def test_lowercase_does_not_tell_capitals_from_small_letters():
    tokenizer = Tokenizer(512)
    tokenizer.fit(CAPTIONS)
    assert (
        tokenizer(["A Red CIRCLE Ä Ж"])[0].tolist() == tokenizer(["a red circle ä ж"])[0].tolist()
    )
    assert tokenizer.decode(tokenizer(["A Red CIRCLE Ä Ж"])[0]) == ["a red circle ä ж"]


def test_tokens_are_padded_to_the_longest_and_masked():
    tokenizer = fitted()
    token_ids, mask = tokenizer(["", "a red circle", "<pad> <end>"])
    assert token_ids.dtype == torch.int64
    assert mask.dtype == torch.bool
    assert mask.sum(1).max() == token_ids.shape[1]
    assert token_ids[0, :2].tolist() == [1, 2]
    assert mask[0].tolist() == [True, True] + [False] * (token_ids.shape[1] - 2)
    assert torch.equal(mask, token_ids != tokenizer.pad_id)  # "<pad>" in a caption is no padding
    assert (token_ids == 2).sum(1).tolist() == [1, 1, 1]  # "<end>" in a caption is no end


def test_an_empty_batch_is_empty():
    token_ids, mask = fitted()([])
    assert token_ids.shape == mask.shape == (0, 0)


def test_long_captions_are_cut_with_one_warning_and_keep_their_end():
    tokenizer = Tokenizer(512, max_length=6)
    tokenizer.fit(["ok"])
    captions = ["x" * 50, "ok", "", "y " * 50]
    with pytest.warns(UserWarning, match=r"2 of 4 captions were cut to max_length = 6 tokens"):
        token_ids, mask = tokenizer(captions)
    assert mask.sum(1).max() == 6
    assert token_ids[0, -1] == token_ids[3, -1] == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer(captions)


def test_fitting_counts_the_captions_that_will_be_cut_and_says_it_once():
    tokenizer, captions = Tokenizer(512, max_length=6), ["a b c d e f g", "ok", "g f e d c b a"]
    with pytest.warns(UserWarning, match=r"2 of 3 captions were cut to max_length = 6 tokens"):
        tokenizer.fit(captions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer(captions[:1])


def test_the_same_captions_give_the_same_vocabulary_in_another_process():
    script = """if True:
        import json, sys
        from textgan.caption.tokenizer import Tokenizer
        tokenizer = Tokenizer(512, lowercase=False)
        tokenizer.fit(json.load(sys.stdin))
        sys.stdout.write(bytes(tokenizer.get_extra_state().tolist()).decode())
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf8"}
    other = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(CAPTIONS * 2),
        capture_output=True,
        encoding="utf8",
        env=environment,
        check=True,
    )
    assert other.stdout.encode() == bytes(fitted().get_extra_state().tolist())
    reversed_order = Tokenizer(512, lowercase=False)
    reversed_order.fit(CAPTIONS[::-1] * 2)
    assert torch.equal(reversed_order.get_extra_state(), fitted().get_extra_state())


def test_the_vocabulary_stays_within_its_size():
    tokenizer = Tokenizer(300)
    tokenizer.fit(CAPTIONS * 2)
    token_ids, _ = tokenizer(CAPTIONS)
    assert token_ids.max() < 300
    assert len(json.loads(bytes(tokenizer.get_extra_state().tolist()))["model"]["vocab"]) == 300


def test_state_dict_fits_strictly_into_an_unfitted_one(tmp_path):
    tokenizer, again = fitted(), Tokenizer(512)
    assert not again.is_fitted
    assert again.state_dict()["_extra_state"].shape == (0,)
    torch.save(tokenizer.state_dict(), tmp_path / "state.pt")
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True), strict=True)
    assert again.is_fitted
    assert torch.equal(again(CAPTIONS)[0], tokenizer(CAPTIONS)[0])
    again.load_state_dict(Tokenizer(512).state_dict())
    assert not again.is_fitted


def test_safetensors_and_save_pretrained_keep_the_vocabulary(tmp_path):
    for tokenizer in (fitted(), Tokenizer(512)):
        save_file(tokenizer.state_dict(), tmp_path / "state.safetensors")
        bare = Tokenizer(512)
        bare.load_state_dict(load_file(tmp_path / "state.safetensors"))
        tokenizer.save_pretrained(tmp_path / "folder")
        for again in (bare, Part.from_pretrained(tmp_path / "folder")):
            assert torch.equal(again.get_extra_state(), tokenizer.get_extra_state())


def test_copies_read_special_tokens_in_captions_as_text():
    tokenizer = fitted()
    for again in (copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))):
        assert torch.equal(again(CAPTIONS)[0], tokenizer(CAPTIONS)[0])
        again.fit(["other words"])
        assert not torch.equal(again.get_extra_state(), tokenizer.get_extra_state())


def test_a_foreign_json_brings_its_own_special_tokens():
    own = json.loads(bytes(fitted().get_extra_state().tolist()))
    own["padding"] = None
    with pytest.raises(ValueError, match="pad_token must be given"):
        Tokenizer.from_json(json.dumps(own), max_length=8)
    with pytest.raises(ValueError, match=r"pad_token must be in the vocabulary, got '\[PAD\]'"):
        Tokenizer.from_json(json.dumps(own), max_length=8, pad_token="[PAD]")
    tokenizer = Tokenizer.from_json(json.dumps(own), max_length=8, pad_token="<end>")
    assert tokenizer.pad_id == 2
    assert tokenizer(["", "a red"])[0][0, 1:].unique().tolist() == [2]
    own["post_processor"] = None
    with pytest.raises(ValueError, match="must add a special token to an empty caption"):
        Tokenizer.from_json(json.dumps(own), max_length=8, pad_token="<pad>")


def test_without_a_vocabulary_it_says_what_to_do():
    for use in (lambda t: t(["a"]), lambda t: t.decode([[3]]), lambda t: t.pad_id):
        with pytest.raises(RuntimeError, match=r"call fit\(captions\) or load weights"):
            use(Tokenizer())


@pytest.mark.parametrize(
    ("captions", "error", "said"),
    [
        ("one", TypeError, "captions must be a list of strings, got the string 'one'"),
        (["a", None], TypeError, "captions must be strings, got NoneType None"),
        ([b"a"], TypeError, "captions must be strings, got bytes"),
        (["\ud800"], ValueError, "captions must be valid Unicode"),
    ],
)
def test_captions_of_the_wrong_kind_are_a_sentence(captions, error, said):
    for use in (fitted(), Tokenizer().fit):
        with pytest.raises(error, match=said):
            use(captions)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="vocab_size must be at least 259, got 258"):
        Tokenizer(258)
    with pytest.raises(ValueError, match="max_length must be at least 3, got 2"):
        Tokenizer(max_length=2)
    with pytest.raises(ValueError, match="at least one caption"):
        Tokenizer().fit([])
    with pytest.raises(ValueError, match=r"vocab_size must be at least the \d+ tokens .* got 259"):
        Tokenizer(259).load_state_dict(fitted().state_dict())
    with pytest.raises(ValueError, match="state must be JSON"):
        Tokenizer().set_extra_state(torch.tensor([1, 2, 3], dtype=torch.uint8))


def test_nothing_warns_when_a_loader_forks_after_fit_and_encoding(capfd):
    tokenizer = fitted()
    tokenizer(CAPTIONS)
    child = os.fork()
    if child == 0:
        tokenizer(CAPTIONS)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert capfd.readouterr().err == ""
