"""The table of families: consistent in itself, and right about which model belongs where."""

import pytest

from bridge.protocol.families import FAMILIES, family_of_class, few_step_of
from bridge.protocol.tasks import SCHEDULERS, TASKS

KINDS = {task.kind for task in TASKS}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_family_is_described_soundly(family):
    assert family.base in family.classes
    assert set(family.tasks) <= KINDS
    assert set(family.emulated_tasks) <= set(family.tasks)
    assert family.schedulers
    assert set(family.schedulers) <= set(SCHEDULERS)
    assert family.size_multiple % 8 == 0
    assert family.native_size % family.size_multiple == 0
    assert family_of_class(family.base, {"cross_attention_dim": family.text_width or None}) == family


def test_a_class_that_serves_several_families_is_told_apart_by_the_width_of_its_text():
    assert family_of_class("StableDiffusionPipeline", {"cross_attention_dim": 768}).name == "sd1"
    assert family_of_class("StableDiffusionPipeline", {"cross_attention_dim": 1024}).name == "sd2"
    assert family_of_class("StableDiffusionXLImg2ImgPipeline", {"cross_attention_dim": 2048}).name == "sdxl"
    assert family_of_class("StableDiffusionXLImg2ImgPipeline", {"cross_attention_dim": 1280}).name == "sdxl-refiner"


def test_a_network_that_takes_a_mask_can_only_inpaint():
    nine = family_of_class("StableDiffusionInpaintPipeline", {"in_channels": 9, "out_channels": 4})
    assert nine.tasks == ("inpaint", "outpaint")
    assert nine.base == "StableDiffusionInpaintPipeline"
    assert family_of_class("FluxFillPipeline", {}).tasks == ("inpaint", "outpaint")
    four = family_of_class("StableDiffusionInpaintPipeline", {"in_channels": 4, "out_channels": 4})
    assert "text-to-image" in four.tasks


def test_a_refiner_and_a_depth_model_cannot_paint_from_a_prompt_alone():
    assert "text-to-image" not in FAMILIES["sdxl-refiner"].tasks
    assert "text-to-image" not in FAMILIES["sd2-depth"].tasks


def test_what_diffusers_has_no_class_for_is_said_to_be_emulated():
    assert FAMILIES["sana"].emulated_tasks == ("image-to-image", "inpaint", "outpaint", "upscale")
    assert FAMILIES["sd1"].emulated_tasks == ()


def test_an_unknown_class_has_no_family():
    assert family_of_class("WanPipeline", {}) is None


@pytest.mark.parametrize(
    ("name", "family", "scheduler", "steps"),
    [
        ("sd-turbo", "sd2", {}, 4),
        ("sdxl-lightning", "sdxl", {}, 4),
        ("FLUX.1-schnell", "flux", {}, 4),
        ("Z-Image-Turbo", "z-image", {}, 9),
        ("my model", "sd1", {"_class_name": "LCMScheduler"}, 6),
        ("my model", "sdxl", {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, 4),
    ],
)
def test_models_of_few_steps_are_recognised_by_name_or_scheduler(name, family, scheduler, steps):
    assert few_step_of(name, FAMILIES[family], scheduler).steps == steps


def test_an_ordinary_model_is_none_of_few_steps():
    scheduler = {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}
    assert few_step_of("my model", FAMILIES["sdxl"], scheduler) is None
