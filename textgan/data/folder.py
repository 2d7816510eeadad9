"""Your own captioned images, from a folder."""

from collections.abc import Sequence
from pathlib import Path

from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn

from textgan.data.base import CaptionedImages
from textgan.data.captions import CaptionsFile, Row
from textgan.data.content import Content
from textgan.data.crop import Crop
from textgan.data.encoding import check_encoding
from textgan.data.folder_split import FolderSplit
from textgan.data.images import Images
from textgan.data.negatives import Negatives
from textgan.data.split import Split
from textgan.file.home import expanded
from textgan.image.file import MAX_MEGAPIXELS

_LEARNT_CAPTIONS = 100_000  # what negatives are made of takes some 70 MB then


class Folder(CaptionedImages):
    """Captioned images in a folder.

    The captions are read from the first of these that is there:

    1. `captions_file`; else metadata.jsonl, metadata.csv, captions.jsonl, captions.csv, or the only
       file with a column of images and one of captions, in the root or else in each sub-folder:
       JSON (lines, a list, an object by file name, COCO's, Karpathy's) or text with commas, tabs,
       semicolons or bars, also Flickr8k's without header. Several, one named after each split, are
       these splits. A row names an image, by its path from the root or from the captions file, and
       its caption, or a list of them; rows of the same image are joined. A name in another case
       or Unicode form, with another suffix or none, and a path of Windows are found, where exactly
       one file fits.
    2. Sub-folders `train` and, if there, `val` (or valid, validation, dev) and `test`, also
       `train2017` or `val_images`: each is read by these rules, and is that split.
    3. Beside an image, a .txt or .caption of the same name: each line that is not empty is a
       caption; or a .json with a caption.
    4. Two or more sub-folders: the folder's name, with spaces for underscores and dashes, is the
       caption of every image in it. Names such as images, batch1 or a split's are no captions.

    Splits are those of the split column, else the folders of rule 2 if every image lies in one.
    Where none is val (or test), `val_share` (`test_share`) of the train images are taken by a
    hash of their bytes: copies stay together, and added files move no old one; fewer than two so
    taken for val go back to train. An image with a copy in test or val leaves train (and val for
    test). Without val images validation looks at the training images, without test images the
    test looks at those of val.

    In training one caption of an image is drawn at random, else the first is taken. Empty captions
    are left out. Images without caption, missing and broken ones are skipped, and listed in
    `skipped`; in the place of a broken one the next good one is shown.

    Args:
        root: the folder.
        batch_size: images per process and step.
        image_size: side of the square that is made of each image.
        channels: 1 gray, 3 RGB, 4 RGBA.
        crop: "center": the middle square. "random": in training a square drawn along the longer
            side, else the middle; a square image is whole each time. "pad": the whole image,
            with background beside it. "squash": the whole image, its aspect ratio lost.
        flip: mirror half of the training images. Off, as captions may say left and right, and
            letters do not mirror.
        background: what transparent pixels are laid on, and "pad" fills with: a colour's name, or
            "#rrggbb".
        max_megapixels: an image of more million pixels is skipped before it is decoded, as each
            million takes some 20 MB of memory. Of a large JPEG those count that it is decoded to.
        image_folder: where in the root to look for the last part of a row's file: "images128"
            reads images128/a.png where the row says images/a.png.
        captions_file: path of the captions file, from the root; None finds it.
        file_column: its column of files; None takes file_name, file, filename, image or the like.
        caption_column: its column of captions; None takes captions, caption, texts, text or the
            like, also caption_1, caption_2, ... together.
        split_column: its column of splits; None takes `split`, if it is there.
        encoding: of captions files and text files without a byte order mark, such as cp1252 or
            gb18030; None means UTF-8.
        caption_suffix: of the files beside the images; None finds .txt, .caption or .json.
        follow_links: whether links below the root are followed, to wherever they lead: images,
            captions files and sub-folders. Otherwise they are left out, and counted.
        val_share: share of the train images that becomes val, where no split is named val.
        test_share: the same for test.
        exclude: a text file (a name a line) or .json file (a list) of images that are never
            trained on, nor copies of them; those in val and test stay there.
        negatives: how many captions each image comes with in which one word was changed, for the
            loss terms mismatch (which looks at the first), alignment_guidance and contrastive ones.
            The words are those of the training captions, but for the most frequent, which stand in
            more than a tenth of them. Where that makes no wrong caption, it is another image's.
            Some are true all the same: "a small dog" may become "a little dog".
        cache: decode all images at the start and keep them, instead of anew at each showing.
        cache_megabytes: if a split's fit in as much: 3,300 images of 64 x 64 take 40.
        num_workers: loader processes; with the cache 0 is fast.
        seed: decides the order and every random choice, but not the splits.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        batch_size: int,
        image_size: int = 64,
        channels: int = 3,
        crop: str = "center",
        flip: bool = False,
        background: str = "white",
        max_megapixels: float = MAX_MEGAPIXELS,
        image_folder: str | None = None,
        captions_file: str | Path | None = None,
        file_column: str | None = None,
        caption_column: str | None = None,
        split_column: str | None = None,
        encoding: str | None = None,
        caption_suffix: str | None = None,
        follow_links: bool = False,
        val_share: float = 0.05,
        test_share: float = 0.0,
        exclude: str | Path | None = None,
        negatives: int = 0,
        cache: bool = True,
        cache_megabytes: int = 1024,
        num_workers: int = 0,
        seed: int = 0,
    ):
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        check_encoding(encoding)
        if negatives < 0:
            raise ValueError(f"negatives must be at least 0, got {negatives}")
        self.root = Path(expanded(root))
        self.flip, self.negatives = flip, negatives
        self.crop = Crop(image_size, channels, crop, background, max_megapixels)
        self.cache_bytes = cache_megabytes * 2**20 if cache else 0
        how = CaptionsFile(
            captions_file,
            file_column,
            caption_column,
            split_column,
            image_folder,
            encoding,
            caption_suffix and f".{caption_suffix.lstrip('.')}",
        )
        left_out = Path(expanded(exclude)) if exclude else None
        self.content = Content(self.root, how, val_share, test_share, left_out, follow_links)
        self._negatives: Negatives | None = None
        self._images: dict[str, Images] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read and decode what the stage needs, before any progress bar of the trainer's is up.

        Before a training it prints how many images there are, five captions with their images,
        and what is not used.
        """
        if stage == "fit" and rank_zero_only.rank == 0:
            print(self.content.introduction())
        for name in {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}.get(
            stage, ()
        ):
            self.dataset(name)

    def build(self, split: str) -> FolderSplit:
        """The data set of a split.

        Raises:
            FileNotFoundError: the root, the captions file or `exclude` is missing.
            ValueError: there are no images or no captions, or one of them breaks a rule; or there
                is no wrong caption for an image that should come with one.
        """
        source = self._source(split)
        rows = getattr(self.split, source)
        negatives = self._wrong_captions(rows) if self.negatives else None
        if source not in self._images:
            files = [row.file for row in rows]
            self._images[source] = Images(
                self.root, files, crop=self.crop, cache_bytes=self.cache_bytes
            )
            if self.cache_bytes and not self._images[source].is_cached:
                rank_zero_warn(
                    f"the {len(files):,} images of {source} exceed cache_megabytes and are "
                    "decoded anew at each showing: num_workers spreads that over processes"
                )
        return FolderSplit(
            rows,
            self._images[source],
            flip=self.flip,
            seed=self.seed if split == "train" else None,
            negatives=negatives,
            negatives_each=self.negatives,
        )

    def still(self, split: str) -> FolderSplit:
        """The images with their first captions, the middle cropped and nothing mirrored."""
        shown = self.dataset(split)
        return FolderSplit(
            shown.rows,
            shown.images,
            flip=False,
            seed=None,
            negatives=shown.negatives,
            negatives_each=shown.negatives_each,
        )

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the train split, spread evenly over it."""
        return self.content.captions(limit)

    @property
    def split(self) -> Split:
        """The rows of each split, read from the folder when first asked for."""
        return self.content.split

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(path, reason) of each image that was left out so far."""
        return [(str(self.root / file), reason) for file, reason in self._skipped()]

    def summary(self) -> str:
        """How many images were skipped and why, and how many of the folder not looked at."""
        return self.content.summary(self._skipped())

    def _skipped(self) -> list[tuple[str, str]]:
        broken = [found for images in self._images.values() for found in images.broken()]
        return [*self.split.skipped, *broken]

    def shown_split(self, split: str) -> str:
        """Val where there are no test images, train where there are none of either."""
        fallback = {"test": "val", "val": "train"}
        source = split
        while source in fallback and not getattr(self.split, source):
            source = fallback[source]
        return source

    def _wrong_captions(self, rows: Sequence[Row]) -> Negatives:
        """What makes wrong captions, for these rows and others; learnt once."""
        if self._negatives is None:
            self._negatives = Negatives(self.captions(_LEARNT_CAPTIONS))
        for row in rows:
            if not self._negatives.exist_for(row.captions):
                raise ValueError(
                    "negatives must be made of training captions that are not the image's own, "
                    f"and for {self.root / row.file} there is none"
                )
        return self._negatives

    def _source(self, split: str) -> str:
        source = self.shown_split(split)
        if not getattr(self.split, source):
            raise ValueError(
                f"no image of {self.root} is left for {split}: lower val_share and test_share, "
                "or exclude fewer"
            )
        if source != split:
            rank_zero_warn(f"{self.root} has no {split} split: the images of {source} are used")
        return source
