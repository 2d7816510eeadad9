"""The variants of the recipe for photographs that are compared."""

_TODAY = ("reconstruction", "feature_reconstruction", "kl", "rpgan", "r1r2", "mismatch", "match")
_EYES = "discriminator=projected_eyes"


def _terms(*terms: str) -> str:
    return f"loss=[{','.join(terms)}]"


# Overrides of each arm, beside those of all arms.
ARMS: dict[str, tuple[str, ...]] = {
    "today": (),
    "projected": (_EYES,),
    "perceptual": (_terms(*_TODAY, "perceptual_eyes"),),
    "energy": (
        "posterior=null",
        _terms("energy", "rpgan", "r1r2", "mismatch", "match"),
    ),
    "mmd": (_terms(*_TODAY, "joint_mmd"),),
    "minilm": ("text_encoder=bert_minilm",),
    "best": (
        "text_encoder=bert_minilm",
        _EYES,
        "posterior=null",
        _terms("energy_features", "rpgan", "r1r2", "mismatch", "joint_mmd"),
    ),
}

# Overrides of all arms.
SHARED = ("experiment=flickr64",)

# Overrides of the contrastive model that measures R-precision: its images go through a residual
# network that is trained from nothing, its captions through the frozen MiniLM.
JUDGE = (
    *("experiment=clip_flickr64", "image_size=64", "image_encoder=resnet"),
    *("seed=100", "data.flip=true", "augmentation=diffaugment_photo", "data.batch_size=128"),
    "model.budget.warmup_images=10_000",
)

# Heads of the table, and the names of their numbers: of samples for training captions (known), for
# all captions of held-out photographs (unseen), and for a caption of each of these (val).
COLUMNS = {
    "FID-768": "known/fid_768",
    "KID-768": "known/kid_768",
    "R-precision": "unseen/r_precision",
    "of the photographs": "unseen/r_precision/real",
    "diversity": "val/prompt_diversity",
    "nearer": "val/memorisation/nearer",
    "copies": "val/memorisation/copies",
}
