"""The answers to the controls of the tab "Edit"."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textgan.app import markup
from textgan.app.answer import REFUSALS, Answers, named
from textgan.app.drawing import Drawing
from textgan.app.editing import EditRequest, edit_picture, strengths, tasks_of
from textgan.app.picture import read_picture
from textgan.app.sampling import SampleRequest, Show
from textgan.app.value import seed_of, whole


@dataclass(frozen=True)
class EditControls:
    """The content of the tab's controls; a visitor may send anything.

    Attributes:
        picture, mask: `data:` URLs of PNG files, or None.
        task: one of `tasks_of` the pipeline.
        caption: of the new images.
        source: caption of the picture, which only "edit" reads.
        strengths: of the tasks in `EditAnswers.strengths`.
        seed, locked, number: of the new images, which "edit" does not read. The seed is random
            unless it is locked.
        options: values of `EditAnswers.sliders`.
    """

    picture: Any
    mask: Any
    task: Any
    caption: Any
    source: Any
    strengths: Sequence[Any]
    seed: Any
    locked: Any
    number: Any
    options: Sequence[Any]


class EditAnswers:
    """One pipeline behind the controls of the tab.

    Args:
        answers: of the same pipeline, whose worker draws here too.
    """

    def __init__(self, answers: Answers):
        self.answers, self.pipeline = answers, answers.pipeline
        self.tasks, self.strengths = tasks_of(answers.pipeline), strengths(answers.pipeline)
        self.sliders = answers.sliders(*self.tasks)

    async def edited(
        self, controls: EditControls
    ) -> AsyncIterator[tuple[float | None, str | None, str]]:
        """Edit a picture -> seed, images and status, with the unfinished images first.

        Seed and images are None where they must not change: a random seed is shown once, at first,
        and the images of an earlier request stay if a later one is refused.
        """
        try:
            request = await self.answers.apart(self._request, controls)
            target = request.target
            with Drawing(partial(self._edited, request)) as drawing:
                yield None if controls.locked else target.seed, None, _unfinished(target)
                while (images := await drawing.unfinished()) is not None:
                    html = await self.answers.apart(markup.image_grid, target, images)
                    yield None, html, _unfinished(target)
                yield None, *(await drawing.result)
        except REFUSALS as error:
            yield None, None, markup.refused(str(error))

    async def _edited(self, request: EditRequest, show: Show) -> tuple[str, str]:
        task = partial(edit_picture, self.pipeline, request, show)
        samples = await asyncio.wrap_future(self.answers.worker.run(task))
        images = await self.answers.apart(markup.image_grid, samples.request, samples.images)
        return images, markup.sampled(samples)

    def _request(self, controls: EditControls) -> EditRequest:
        task = controls.task
        if task not in self.tasks:
            rule = f"What to do must be one of {', '.join(self.tasks)}"
            raise ValueError(f"{rule}, got {task!r:.40}.")
        if controls.picture is None:
            raise ValueError("Choose a picture first.")
        mask = None
        if task == "inpaint" and controls.mask is not None:
            mask = read_picture(controls.mask, "mask", 1)
        return EditRequest(
            task,
            read_picture(controls.picture, "picture", 4),
            self._target(controls),
            mask=mask,
            source=controls.source,
            strength=self._strength(controls),
        )

    def _strength(self, controls: EditControls) -> float | None:
        """The strength of the task, if it has one."""
        sent = dict(zip(self.strengths, controls.strengths, strict=True))
        if controls.task not in sent:
            return None
        self.strengths[controls.task].check(sent[controls.task])
        return sent[controls.task]

    def _target(self, controls: EditControls) -> SampleRequest:
        options = named(self.sliders, controls.options)
        if controls.task == "edit":
            return SampleRequest(controls.caption, 1, None, options)
        return SampleRequest(
            controls.caption,
            whole("The number of images", controls.number),
            seed_of(controls.seed, controls.locked),
            options,
            may_be_empty=controls.task == "variations",
        )


def _unfinished(target: SampleRequest) -> str:
    return markup.unfinished(target.number)
