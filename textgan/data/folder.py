"""Captioned images in a folder."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import torch
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn
from torch import Tensor

from textgan.data.base import CaptionedImages, evenly
from textgan.data.captions import CaptionOptions, Row
from textgan.data.census import introduce, summarise
from textgan.data.crop import Crop
from textgan.data.encoding import check_encoding
from textgan.data.features import features_of
from textgan.data.folder_split import FolderSplit
from textgan.data.images import Images
from textgan.data.layout import Reading, read_folder
from textgan.data.negatives import Negatives
from textgan.data.sample import View
from textgan.data.split import Split, check_shares, split_rows
from textgan.file.feature_cache import FeatureCache, default_folder
from textgan.file.home import expanded
from textgan.image.file import MAX_MEGAPIXELS

_LEARNT_CAPTIONS = 100_000  # negatives then take about 70 MB


class Folder(CaptionedImages):
    """Captioned images in a folder.

    The captions are read from the first of these sources that is there:

    1. `captions_file`; else metadata.jsonl, metadata.csv, captions.jsonl, captions.csv, or the only
       file with a column of images and one of captions, in the root or else in each sub-folder:
       JSON (lines, a list, an object by file name, COCO's, Karpathy's) or text with commas, tabs,
       semicolons or bars, also Flickr8k's without header. Several files, one named after each
       split, are these splits. A row names an image, by its path from the root or from the captions
       file (the same for all rows), and its caption, or a list of captions; rows of the same image
       are joined. A name in
       another case or Unicode form, with another suffix or none, and a Windows path are found,
       where exactly one file fits.
    2. Sub-folders `train` and, if there, `val` (or valid, validation, dev) and `test`, also
       `train2017` or `val_images`: each is read by these rules, and is that split.
    3. Beside an image, a .txt or .caption of the same name: each line that is not empty is a
       caption; or a .json with a caption.
    4. Two or more sub-folders: the folder's name, with spaces for underscores and dashes, is the
       caption of every image in it, and a class of which contrastive models measure the zero-shot
       accuracy. Names such as images, batch1 or a split's are no captions.

    Splits are those of the split column, else the folders of rule 2 if every image lies in one.
    Where none is val (or test), `val_share` (`test_share`) of the train images are taken by a hash
    of their bytes: copies stay together, and added files do not move old ones; fewer than two val
    images so taken go back to train. An image with a copy in test or val leaves train (and val for
    test). Without val images the validation uses the training images; without test images the test
    uses those of val.

    In training one caption of an image is drawn at random, else the first is taken. Empty captions
    are left out. Images without a caption, missing ones and broken ones are skipped, and listed in
    `skipped`; the next good image replaces a broken one.

    Args:
        root: the folder.
        batch_size: images per process and step.
        image_size: side of the square that is made of each image.
        channels: 1 gray, 3 RGB, 4 RGBA.
        crop: "center": the middle square. "random": in training a random square along the longer
            side, else the middle; a square image is always whole. "pad": the whole image, with
            background beside it. "squash": the whole image, its aspect ratio lost.
        flip: mirror half of the training images. Off by default, as captions may contain left and
            right, and mirrored letters are wrong.
        background: the colour behind transparent pixels and beside an image that is padded: a
            colour's name, or "#rrggbb".
        max_megapixels: an image of more million pixels is skipped before it is decoded, as each
            million takes about 20 MB of memory. For a large JPEG the decoded size counts.
        image_folder: folder in the root in which the last part of a row's file is looked up:
            "images128" reads images128/a.png where the row has images/a.png.
        captions_file: path of the captions file, from the root; None finds it.
        file_column: its column of files; None takes file_name, file, filename, image or the like.
        caption_column: its column of captions; None takes captions, caption, texts, text or the
            like, also caption_1, caption_2, ... together.
        split_column: its column of splits; None takes `split`, if it is there.
        encoding: of captions files and text files without a byte order mark, such as cp1252 or
            gb18030; None means UTF-8.
        caption_suffix: of the files beside the images; None finds .txt, .caption or .json.
        follow_links: follow links below the root, wherever they lead: images, captions files and
            sub-folders. Otherwise links are left out, and counted.
        val_share: share of the train images that becomes val, where no split is named val.
        test_share: the same for test.
        exclude: a text file (a name a line) or .json file (a list) of images that are never trained
            on, nor copies of them; those in val and test stay there.
        negatives: number of captions with one changed word that come with each image, for the loss
            terms mismatch (which uses the first), alignment_guidance and contrastive ones. The
            words are those of the training captions, except the most frequent ones, which occur in
            more than a tenth of them. Where no change makes a wrong caption, the negative is the
            caption of another image. Some are true all the same: "a small dog" may become "a little
            dog".
        cache: decode all images at the start and keep them, instead of each time they are shown.
        cache_megabytes: the cache is used if a split's images fit in as much: 3,300 images of
            64 x 64 take 40.
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
        check_shares(val_share, test_share)
        if negatives < 0:
            raise ValueError(f"negatives must be at least 0, got {negatives}")
        self.root = Path(expanded(root))
        self.negatives = negatives
        self.view = View(Crop(image_size, channels, crop, background, max_megapixels), flip)
        self.cache_bytes = cache_megabytes * 2**20 if cache else 0
        self.options = CaptionOptions(
            captions_file,
            file_column,
            caption_column,
            split_column,
            image_folder,
            encoding,
            caption_suffix and f".{caption_suffix.lstrip('.')}",
        )
        self.val_share, self.test_share, self.follow_links = val_share, test_share, follow_links
        self.exclude = Path(expanded(exclude)) if exclude else None
        self._negatives: Negatives | None = None
        self._images: dict[str, Images] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read and decode the images of a stage, before the trainer shows a progress bar.

        Before a training it prints the number of images, five captions with their images, and what
        is not used.
        """
        if stage == "fit" and rank_zero_only.rank == 0:
            print(introduce(self.root, self.reading, self.split))
        super().setup(stage)

    def build(self, split: str) -> FolderSplit:
        """The data set of a split.

        Raises:
            FileNotFoundError: the root, the captions file or `exclude` is missing.
            ValueError: there are no images or no captions, or one of them breaks a rule; or an
                image needs a wrong caption and there is none.
        """
        source = self._source(split)
        rows = getattr(self.split, source)
        negatives = self._wrong_captions(rows) if self.negatives else None
        if source not in self._images:
            files = [row.file for row in rows]
            self._images[source] = Images(
                self.root, files, crop=self.view.crop, cache_bytes=self.cache_bytes
            )
            if self.cache_bytes and not self._images[source].is_cached:
                rank_zero_warn(
                    f"the {len(files):,} images of {source} exceed cache_megabytes and are decoded "
                    "each time they are shown; num_workers spreads that over processes"
                )
        seed = self.seed if split == "train" else None
        return FolderSplit(rows, self._images[source], self.view, seed, negatives, self.negatives)

    def keep_features(self, compute: Callable[[Tensor], Tensor], network: str) -> bool:
        """As in the base class; it needs the cache of images, and any `crop` but "random"."""
        train = self.dataset("train")
        squares = train.squares
        if squares is None:
            return False
        cache = FeatureCache(default_folder())
        train.features = features_of(
            squares, compute, network=network, mirror=self.view.flip, cache=cache
        )
        self.keeps_features = True
        return True

    def still(self, split: str) -> FolderSplit:
        """The images with their first captions, the middle cropped and nothing mirrored."""
        return self.dataset(split).still()

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the train split, spread evenly over it."""
        captions = [caption for row in self.split.train for caption in row.captions]
        return [captions[place] for place in evenly(len(captions), limit)]

    @cached_property
    def reading(self) -> Reading:
        """The images that the folder names, read at the first access."""
        return read_folder(self.root, self.options, follow_links=self.follow_links)

    @cached_property
    def split(self) -> Split:
        """The rows of each split."""
        return split_rows(
            self.reading.rows,
            root=self.root,
            val_share=self.val_share,
            test_share=self.test_share,
            exclude=self.exclude,
            follow_links=self.follow_links,
        )

    @property
    def class_names(self) -> list[str]:
        """The sorted names of the classes of rule 4; empty for other captions."""
        return self.reading.classes

    def labels(self, split: str) -> Tensor:
        """(n,) int64, the class of each image of a split: a batch's are `[batch.index]` of it."""
        places = {name: place for place, name in enumerate(self.class_names)}
        return torch.tensor([places[row.captions[0]] for row in self.dataset(split).rows])

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(path, reason) of each image that was left out so far."""
        broken = [found for images in self._images.values() for found in images.broken()]
        return [(str(self.root / file), reason) for file, reason in self.split.skipped] + broken

    def summary(self) -> str:
        """The number of skipped images with reasons, and of those that were not looked at."""
        return summarise(self.reading, self.split, self.skipped)

    def has(self, split: str) -> bool:
        """Whether a split has images."""
        return bool(getattr(self.split, split))

    def _wrong_captions(self, rows: Sequence[Row]) -> Negatives:
        """The source of wrong captions, for these rows and others; built once."""
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
        if not self.has(source):
            raise ValueError(
                f"no image of {self.root} is left for {split}: lower val_share and test_share, or "
                "exclude fewer images"
            )
        if source != split:
            rank_zero_warn(f"{self.root} has no {split} split: the images of {source} are used")
        return source
