"""The safety filter is off by default; when it is on, a picture held back is told, never shown black or half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextConfig, CLIPVisionConfig

from bridge.client import connect
from bridge.engine.device import choose_device
from bridge.engine.safety import SafetyFilter, load_judge
from bridge.protocol.engine_link import Ended, Noticed, Previewed, Produced
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer, TextToImage


def build_checker(folder: Path, threshold: float) -> Path:
    """A tiny random checker that flags what is nearer to any concept than `threshold` (a cosine)."""
    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=CLIPTextConfig(vocab_size=8, **small).to_dict(),
        vision_config=CLIPVisionConfig(image_size=32, patch_size=16, **small).to_dict(),
        projection_dim=8,
    )
    checker = StableDiffusionSafetyChecker(config)
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(threshold)
        checker.special_care_embeds_weights.fill_(2.0)
    checker.save_pretrained(folder, safe_serialization=True)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)
    return folder


def picture(value: int) -> Picture:
    return Picture(8, 8, PixelFormat.RGBA8, bytes([value]) * 256)


def produced(index: int, value: int) -> Produced:
    return Produced(job_id="a", index=index, layer=Layer(picture(value)))


def test_a_flagged_picture_becomes_a_notice_and_is_counted() -> None:
    said: list[object] = []
    safety = SafetyFilter(lambda shown: shown.pixels[0] > 100, said.append)
    for message in (produced(0, 50), produced(1, 200), produced(2, 60), Ended(job_id="a")):
        safety.send(message)
    assert [type(message) for message in said] == [Produced, Noticed, Produced, Ended]
    assert said[1].notice.code is ErrorCode.FILTERED
    assert said[3].filtered == 1


def test_the_count_begins_anew_with_every_job() -> None:
    said: list[object] = []
    safety = SafetyFilter(lambda shown: True, said.append)
    for message in (produced(0, 1), Ended(job_id="a"), Ended(job_id="b")):
        safety.send(message)
    assert [message.filtered for message in said if isinstance(message, Ended)] == [1, 0]


def test_previews_do_not_show_what_may_be_held_back() -> None:
    said: list[object] = []
    SafetyFilter(lambda shown: False, said.append).send(Previewed(job_id="a", picture=picture(1)))
    assert said == []


@pytest.mark.parametrize(("threshold", "flagged"), [(-2.0, True), (2.0, False)])
def test_a_real_checker_judges_a_picture(tmp_path: Path, threshold: float, flagged: bool) -> None:
    judge = load_judge(build_checker(tmp_path, threshold), choose_device("cpu"))
    assert judge(picture(90)) is flagged


def test_the_checker_of_a_model_folder_is_found(tmp_path: Path) -> None:
    build_checker(tmp_path / "safety_checker", -2.0)
    (tmp_path / "feature_extractor").mkdir()
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (tmp_path / "safety_checker" / name).exists():
            (tmp_path / "safety_checker" / name).rename(tmp_path / "feature_extractor" / name)
    assert load_judge(tmp_path, choose_device("cpu"))(picture(90))


def test_a_filter_that_cannot_be_loaded_is_never_left_out_silently(tmp_path: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        load_judge(tmp_path, choose_device("cpu"))
    assert caught.value.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "--safety-filter" in caught.value.hint


def test_a_daemon_with_a_filter_ends_the_job_as_filtered(
    daemon_factory: Callable[..., object], tiny_model: Path, tmp_path: Path
) -> None:
    checker = build_checker(tmp_path / "checker", -2.0)
    daemon = daemon_factory("--model", str(tiny_model), "--safety-filter", str(checker))
    with connect(daemon.url, token=daemon.token) as bridge:
        job = bridge.submit(TextToImage(prompt="a", width=64, height=64, steps=2, seed=1), preview_side=32)
        with pytest.raises(BridgeError) as caught:
            job.result(timeout=120)
        assert caught.value.code is ErrorCode.FILTERED
        assert (job.state, job.filtered, job.layers) == ("finished", True, [])
    daemon.stop()
