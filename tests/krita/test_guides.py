"""Layers that guide, LoRAs and regions: rows of the docker, and what becomes of them, in a real Krita."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_adapters import build_controlnet, lora_layers, save_diffusers

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import fill_form, fresh_document, generate, layer_pixels, wait_done

pytestmark = pytest.mark.krita

WIDTH, HEIGHT = 128, 96
PROMPT = "a wall"
LAYER = f"[bridge] {PROMPT} (7)"


@pytest.fixture(scope="module")
def guided_daemon(daemon_factory, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory):
    """A daemon with a ControlNet and a LoRA for its model."""
    folder = tmp_path_factory.mktemp("adapters")
    build_controlnet(tiny_model, folder / "controlnets" / "edges", size=3.0)
    save_diffusers(lora_layers(tiny_model, alphas=False), folder / "loras" / "mossy.safetensors")
    return daemon_factory("--model", str(tiny_model), "--models-dir", str(folder))


@pytest.fixture(scope="module")
def krita(krita_factory, guided_daemon) -> RunningKrita:
    running = krita_factory(guided_daemon.home)
    running.call("show_docker", height=780)
    running.wait_text("connection", "Connected")
    yield running
    assert running.quit() == 0


@pytest.fixture
def document(krita: RunningKrita, request: pytest.FixtureRequest) -> str:
    """A document with one layer, the fields filled in, and no guides."""
    fresh_document(krita, request.node.name, WIDTH, HEIGHT)
    krita.until(lambda: not krita.call("exists", name="latent_bridge_control_0_layer"), "no rows of another document")
    krita.call("reveal", name="latent_bridge_prompt")
    fill_form(krita, PROMPT, steps=2)
    krita.call("set_checked", name="latent_bridge_guides", checked=True)
    return request.node.name


def press(krita: RunningKrita, name: str) -> None:
    """Press a widget with the mouse, and wait for the row that it adds."""
    krita.click(name)
    if name.startswith("add_"):
        row = f"latent_bridge_{name.removeprefix('add_')}_0_remove"
        krita.until(lambda: krita.call("exists", name=row), "the new row")


def result(krita: RunningKrita, path: Path) -> np.ndarray:
    """Pixels of a new result; its layer is taken out again."""
    generate(krita)
    wait_done(krita)
    krita.until(lambda: LAYER in [layer["name"] for layer in krita.call("layers")], "the result's layer")
    found = layer_pixels(krita, path, LAYER, WIDTH, HEIGHT)
    krita.call("remove_layer", name=LAYER)
    krita.call("activate_layer", name="Background")
    return found.astype(int)


def test_a_layer_guides_and_without_it_the_result_is_as_before(krita: RunningKrita, document: str, tmp_path: Path):
    plain = result(krita, tmp_path / "plain")
    press(krita, "add_control")
    assert krita.widget("control_0_layer").text == "Background"
    assert krita.widget("control_0_adapter").text == "edges"
    guided = result(krita, tmp_path / "guided")
    assert np.abs(guided - plain).max() > 2
    krita.call("choose", name="latent_bridge_control_0_preprocess", text="Canny")
    assert np.abs(result(krita, tmp_path / "canny") - guided).max() > 2
    krita.call("choose", name="latent_bridge_control_0_preprocess", text="Finished Canny")
    assert np.array_equal(result(krita, tmp_path / "finished"), guided)
    krita.call("set_number", name="latent_bridge_control_0_strength", value=0)
    assert np.array_equal(result(krita, tmp_path / "weak"), plain)
    press(krita, "control_0_remove")
    krita.until(lambda: not krita.call("exists", name="latent_bridge_control_0_layer"), "the row to go")
    assert np.array_equal(result(krita, tmp_path / "again"), plain)


def test_a_layer_keeps_its_place_when_it_is_renamed_and_is_missed_when_it_is_gone(krita: RunningKrita, document: str):
    krita.call("add_paint", name="Scribble", x=10, y=10, width=40, height=40)
    krita.call("activate_layer", name="Scribble")
    press(krita, "add_control")
    krita.call("rename_layer", index=1, name="Lines")
    generate(krita)
    wait_done(krita)
    krita.call("remove_layer", name="Lines")
    krita.click("generate")
    krita.wait_text("error", "“Scribble” is not in this picture any more")
    assert "Guides" in krita.docker()["hint"]


def test_a_lora_changes_the_result_by_its_weight(krita: RunningKrita, document: str, tmp_path: Path):
    plain = result(krita, tmp_path / "plain")
    press(krita, "add_lora")
    assert krita.widget("lora_0_name").text == "mossy"
    assert np.abs(result(krita, tmp_path / "lora") - plain).max() > 2
    krita.call("set_number", name="latent_bridge_lora_0_weight", value=0)
    assert np.array_equal(result(krita, tmp_path / "none"), plain)
    press(krita, "lora_0_remove")


def test_a_lora_is_completed_while_it_is_typed(krita: RunningKrita, document: str):
    krita.click("prompt")
    krita.key("End")
    krita.type_text(" <lo")
    krita.until(lambda: krita.call("completions") == ["mossy"], "the list of LoRAs")
    krita.screenshot(ARTEFACTS / "lora_completion.png")
    krita.key("Return")
    krita.until(lambda: krita.docker()["prompt"] == f"{PROMPT} <lora:mossy:1>", "the LoRA in the prompt")
    krita.type_text(", moss")
    krita.until(lambda: krita.docker()["prompt"] == f"{PROMPT} <lora:mossy:1>, moss", "the words behind it")


def test_a_region_paints_its_own_prompt_where_its_layer_is_opaque(krita: RunningKrita, document: str, tmp_path: Path):
    plain = result(krita, tmp_path / "plain")
    krita.call("add_paint", name="Left", x=0, y=0, width=WIDTH // 2, height=HEIGHT)
    krita.call("activate_layer", name="Left")
    press(krita, "add_region")
    press(krita, "region_0_prompt")
    krita.type_text("blue sky and clouds")
    regional = result(krita, tmp_path / "regional")
    assert np.abs(regional - plain)[:, : WIDTH // 2].mean() > np.abs(regional - plain)[:, -WIDTH // 4 :].mean()


def test_rows_belong_to_their_document(krita: RunningKrita, document: str):
    press(krita, "add_control")
    press(krita, "add_region")
    krita.call("new_document", name="other", width=64, height=64)
    krita.until(lambda: not krita.call("exists", name="latent_bridge_control_0_layer"), "the rows to go")
    krita.call("activate", name=document)
    krita.until(lambda: krita.call("exists", name="latent_bridge_control_0_layer"), "the rows to come back")
    assert krita.widget("region_0_layer").text == "Background"


@pytest.mark.parametrize(("model", "depth"), [("RGBA", "U16"), ("GRAYA", "U8"), ("CMYKA", "U8")])
def test_layers_of_other_kinds_are_seen_as_srgb(
    krita: RunningKrita, document: str, tmp_path: Path, model: str, depth: str
):
    krita.call("to_depth", model=model, depth=depth)
    press(krita, "add_control")
    assert result(krita, tmp_path / "guided").shape == (HEIGHT, WIDTH, 4)


def test_rows_fit_into_a_narrow_docker(krita: RunningKrita, document: str):
    for button in ("add_control", "add_lora", "add_region"):
        press(krita, button)
    for width in (200, 320):
        assert krita.call("float_docker", width=width, height=780)[0] <= width + 2  # its frame
        krita.call("grab_docker", path=str(ARTEFACTS / f"guides-{width}.png"))
        docker = krita.widget("panel")
        for name in ("control_0_end", "control_0_remove", "lora_0_remove", "region_0_prompt"):
            field = krita.widget(name)
            assert field.x + field.width <= docker.x + docker.width
    krita.call("dock_docker")
