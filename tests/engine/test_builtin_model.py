"""The built-in models as folders: what is in them, and that diffusers paints with them as they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoPipelineForImage2Image,
    AutoPipelineForInpainting,
    DDIMScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    SchedulerMixin,
    StableDiffusionPipeline,
    UniPCMultistepScheduler,
)
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

import bridge.engine
from training.textures.palette import nearest_colour

FOLDER = Path(bridge.engine.__file__).parent / "builtin" / "bridge-textures"
STUDENT = FOLDER.with_name("bridge-textures-fast")
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    loaded = StableDiffusionPipeline.from_pretrained(FOLDER, torch_dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def paint(pipeline: StableDiffusionPipeline, prompt: str, seed: int = 0) -> Image.Image:
    generator = torch.Generator().manual_seed(seed)
    return pipeline(
        prompt, height=128, width=128, num_inference_steps=12, guidance_scale=4.0, generator=generator
    ).images[0]


@pytest.mark.parametrize("folder", [FOLDER, STUDENT], ids=lambda folder: folder.name)
def test_the_folder_is_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 24 * MEBIBYTE


@pytest.mark.parametrize("folder", [FOLDER, STUDENT], ids=lambda folder: folder.name)
def test_weights_are_safetensors_only(folder: Path) -> None:
    pickles = {".bin", ".ckpt", ".pt", ".pth", ".pkl"}
    assert not [path for path in folder.rglob("*") if path.suffix in pickles]
    assert {path.parent.name for path in folder.rglob("*.safetensors")} == {"unet", "vae", "text_encoder"}


@pytest.mark.parametrize("folder", [FOLDER, STUDENT], ids=lambda folder: folder.name)
def test_weights_are_half_precision_on_disk(folder: Path) -> None:
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, "pt") as tensors:
            assert {tensors.get_slice(name).get_dtype() for name in tensors.keys()} == {"F16"}, path  # noqa: SIM118 - a handle


def test_the_pipeline_has_no_parts_that_a_texture_model_lacks(pipeline: StableDiffusionPipeline) -> None:
    assert pipeline.safety_checker is None
    assert pipeline.feature_extractor is None
    assert not pipeline.config.requires_safety_checker
    assert pipeline.tokenizer.model_max_length == 77
    assert pipeline.vae_scale_factor == 4


def test_a_seed_paints_the_same_bytes_twice(pipeline: StableDiffusionPipeline) -> None:
    assert paint(pipeline, "grey stone").tobytes() == paint(pipeline, "grey stone").tobytes()


def test_a_red_brick_wall_is_red(pipeline: StableDiffusionPipeline) -> None:
    picture = np.asarray(paint(pipeline, "a red brick wall"), np.float32) / 255
    assert nearest_colour(picture) == "red"


def test_the_student_is_told_words_and_pictures_as_its_teacher_is() -> None:
    for part in ("text_encoder/model", "vae/diffusion_pytorch_model"):
        taught, teacher = (load_file(folder / f"{part}.safetensors") for folder in (STUDENT, FOLDER))
        assert taught.keys() == teacher.keys()
        assert all(torch.equal(taught[name], teacher[name]) for name in teacher)


def test_the_student_paints_in_the_steps_of_its_card_without_guidance() -> None:
    card = json.loads((STUDENT / "bridge.json").read_text(encoding="utf-8"))
    assert (card["steps"], card["guidance_scale"]) == (4, 1.0)
    student = StableDiffusionPipeline.from_pretrained(STUDENT, torch_dtype=torch.float32)
    student.set_progress_bar_config(disable=True)
    for colour, words in (("red", "a red brick wall"), ("green", "green moss"), ("blue", "blue tiles")):
        generator = torch.Generator().manual_seed(1)
        picture = student(
            words,
            height=128,
            width=128,
            num_inference_steps=4,
            guidance_scale=1.0,
            generator=generator,
            output_type="np",
        ).images[0]
        assert nearest_colour(picture) == colour


def test_image_to_image_accepts_it(pipeline: StableDiffusionPipeline) -> None:
    variant = AutoPipelineForImage2Image.from_pipe(pipeline)
    picture = Image.new("RGB", (128, 128), (120, 140, 60))
    result = variant("green grass", image=picture, strength=0.6, num_inference_steps=6)
    assert result.images[0].size == (128, 128)


def test_inpainting_accepts_it(pipeline: StableDiffusionPipeline) -> None:
    variant = AutoPipelineForInpainting.from_pipe(pipeline)
    picture, mask = Image.new("RGB", (128, 128), (120, 140, 60)), Image.new("L", (128, 128), 0)
    mask.paste(255, (32, 32, 96, 96))
    result = variant(
        "green grass", image=picture, mask_image=mask, height=128, width=128, strength=0.6, num_inference_steps=6
    )
    assert result.images[0].size == (128, 128)


@pytest.mark.parametrize(
    "scheduler", [EulerDiscreteScheduler, DDIMScheduler, UniPCMultistepScheduler, LCMScheduler, PNDMScheduler]
)
def test_schedulers_take_its_configuration(pipeline: StableDiffusionPipeline, scheduler: type[SchedulerMixin]) -> None:
    other = StableDiffusionPipeline(
        **{**pipeline.components, "scheduler": scheduler.from_config(pipeline.scheduler.config)},
        requires_safety_checker=False,
    )
    other.set_progress_bar_config(disable=True)
    picture = np.asarray(paint(other, "a red brick wall"), np.float32) / 255
    assert nearest_colour(picture) == "red"
