"""Adapters are found in the model folders, told apart by their headers, and handed to the engine for a task."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from bridge.daemon.adapters import (
    CataloguedAdapter,
    NamedAdapter,
    find_adapters,
    named_adapters,
    sources_for,
    triggers_of,
)
from bridge.daemon.catalogue import Catalogue
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterInfo
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Control, LoraUse, Region, TextToImage
from tests.daemon.peer import Peer, small

LORA_SD = {"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 768)}
LORA_XL = {"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 2048)}
GREY = Picture(1, 1, PixelFormat.GRAY8, b"\0")


def write_weights(path: Path, shapes: dict[str, tuple[int, ...]], **metadata: str) -> Path:
    """A sound safetensors file of zeros, one byte a number."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 1
        for side in shape:
            size *= side
        header[name] = {"dtype": "U8", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_weights(tmp_path / "loras" / "moss.safetensors", LORA_SD)
    write_weights(tmp_path / "loras" / "styles" / "ink.safetensors", LORA_XL)
    write_weights(tmp_path / "embeddings" / "worn.safetensors", {"emb_params": (2, 768)})
    write_weights(tmp_path / "controlnets" / "edges.safetensors", {"control_model.zero_convs.0.0.weight": (4, 4, 1, 1)})
    write_weights(tmp_path / "adapters" / "look.safetensors", {"ip_adapter.1.to_k_ip.weight": (320, 768)})
    return tmp_path


def test_each_is_listed_with_its_type_and_family(folder: Path) -> None:
    found = {each.info.id: (each.info.type, each.info.family) for each in find_adapters(folder)}
    assert found == {
        "moss": ("lora", "sd1"),
        "ink": ("lora", "sdxl"),
        "worn": ("embedding", "sd1"),
        "edges": ("controlnet", ""),
        "look": ("ip-adapter", "sd1"),
    }
    assert not any(each.info.unusable for each in find_adapters(folder))


def test_a_folder_in_the_diffusers_layout_is_one_adapter(tmp_path: Path) -> None:
    write_weights(tmp_path / "controlnets" / "depth" / "diffusion_pytorch_model.safetensors", {"a": (1, 1, 1)})
    config = {"_class_name": "ControlNetModel", "cross_attention_dim": 2048}
    (tmp_path / "controlnets" / "depth" / "config.json").write_text(json.dumps(config))
    (only,) = find_adapters(tmp_path)
    assert (only.info.id, only.info.type, only.info.family, only.info.unusable) == ("depth", "controlnet", "sdxl", "")
    assert only.source.location == str(tmp_path / "controlnets" / "depth")


def test_a_model_that_estimates_depth_is_a_preprocessor(tmp_path: Path) -> None:
    for name, architecture in (("nearness", "DepthAnythingForDepthEstimation"), ("chat", "LlamaForCausalLM")):
        write_weights(tmp_path / "preprocessors" / name / "model.safetensors", {"a": (1, 1)})
        (tmp_path / "preprocessors" / name / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    found = {each.info.id: (each.info.type, bool(each.info.unusable)) for each in find_adapters(tmp_path)}
    assert found == {"nearness": ("depth", False), "chat": ("depth", True)}
    catalogue = Catalogue((), (tmp_path,))
    catalogue.refresh()
    assert catalogue.preprocessors() == ("nearness",)
    assert catalogue.infos() == ()
    by_depth = Control(image=GREY, adapter="edges", preprocess="nearness")
    assert NamedAdapter("nearness", ("depth", "pose", "segmentation"), "task.controls[0].preprocess") in named_adapters(
        TextToImage(controls=(by_depth,))
    )


def write_network(root: Path, name: str, architecture: str) -> None:
    write_weights(root / "preprocessors" / name / "model.safetensors", {"a": (1, 1)})
    (root / "preprocessors" / name / "config.json").write_text(json.dumps({"architectures": [architecture]}))


def test_networks_are_asked_for_by_name_or_by_what_they_make(tmp_path: Path) -> None:
    write_network(tmp_path, "vit", "VitPoseForPoseEstimation")
    write_network(tmp_path, "who", "RTDetrForObjectDetection")
    write_network(tmp_path, "what", "SegformerForSemanticSegmentation")
    write_network(tmp_path, "where", "DepthAnythingForDepthEstimation")
    write_network(tmp_path, "other", "DetrForObjectDetection")
    known = list(find_adapters(tmp_path))
    found = {each.info.id: (each.info.type, bool(each.info.unusable)) for each in known}
    assert found == {
        "vit": ("pose", False), "who": ("detection", False), "what": ("segmentation", False),
        "where": ("depth", False), "other": ("depth", True),
    }  # fmt: skip
    net = CataloguedAdapter(AdapterInfo(id="edges", type="controlnet"), AdapterSource("edges", "controlnet", ""))
    catalogue = Catalogue((), (tmp_path,))
    catalogue.refresh()
    assert set(catalogue.preprocessors()) == {"vit", "what", "where"}

    def used(*names: str) -> set[str]:
        controls = tuple(Control(image=GREY, adapter="edges", preprocess=name) for name in names)
        return {source.id for source in sources_for(TextToImage(controls=controls), [net, *known])} - {"edges"}

    assert used("canny") == set()
    assert used("pose") == used("vit") == {"vit", "who"}
    assert used("segmentation") == {"what"}
    assert used("normal") == used("depth") == {"where"}
    assert used("pose", "normal") == {"vit", "who", "where"}


@pytest.mark.parametrize("kind", ["depth", "pose", "segmentation"])
def test_without_a_network_the_error_says_what_to_get(kind: str) -> None:
    net = CataloguedAdapter(AdapterInfo(id="edges", type="controlnet"), AdapterSource("edges", "controlnet", ""))
    task = TextToImage(controls=(Control(image=GREY, adapter="edges", preprocess=kind),))
    with pytest.raises(BridgeError) as caught:
        sources_for(task, [net])
    assert caught.value.code is ErrorCode.UNKNOWN_ADAPTER
    assert kind in caught.value.message
    assert "preprocessors" in caught.value.hint
    assert caught.value.field == "task.controls[0].preprocess"


def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    whole = write_weights(tmp_path / "loras" / "cut.safetensors", LORA_SD)
    whole.write_bytes(whole.read_bytes()[:-10])
    (tmp_path / "loras" / "old.pt").write_bytes(b"pickle")
    (tmp_path / "loras" / "text.safetensors").write_bytes(b"hello")
    write_weights(tmp_path / "loras" / "vae.safetensors", {"decoder.conv_in.weight": (4, 4, 3, 3)})
    reasons = {each.info.id: each.info.unusable for each in find_adapters(tmp_path)}
    assert "get it again" in reasons["cut"]
    assert "pickle" in reasons["old"]
    assert "no safetensors" in reasons["text"]
    assert "it is a vae" in reasons["vae"]


def test_trigger_words_come_from_the_maker_or_from_the_captions() -> None:
    assert triggers_of({"modelspec.trigger_phrase": "mossy stone, old wall"}) == ("mossy stone", "old wall")
    counts = {"ss_tag_frequency": json.dumps({"set": {"mossy": 20, "grey": 18, "a cat": 2}, "more": {"mossy": 5}})}
    assert triggers_of(counts) == ("mossy",)
    assert triggers_of({"ss_tag_frequency": "{broken"}) == ()
    assert triggers_of({}) == ()


def test_adapters_are_named_in_fields_and_in_prompts() -> None:
    task = TextToImage(
        prompt="a wall <lora:moss:0.8>, {<lora:ink:1>|plain}",
        negative_prompt="<embedding:worn>",
        loras=(LoraUse("rust", 0.5),),
        controls=(Control(image=GREY, adapter="edges"),),
        regions=(Region(mask=GREY, prompt="<lora:sea:1>", negative_prompt="<embedding:dry>"),),
    )
    found = {(each.name, each.types[0], each.field) for each in named_adapters(task)}
    assert found == {
        ("moss", "lora", "task.prompt"),
        ("ink", "lora", "task.prompt"),
        ("worn", "embedding", "task.negative_prompt"),
        ("rust", "lora", "task.loras[0].name"),
        ("edges", "controlnet", "task.controls[0].adapter"),
        ("sea", "lora", "task.regions[0].prompt"),
        ("dry", "embedding", "task.regions[0].negative_prompt"),
    }


def test_every_named_adapter_is_found_once(folder: Path) -> None:
    task = TextToImage(prompt="<lora:moss:0.8> <lora:moss:0.2> <embedding:worn>", loras=(LoraUse("moss"),))
    assert [(source.type, source.id) for source in sources_for(task, tuple(find_adapters(folder)))] == [
        ("lora", "moss"),
        ("embedding", "worn"),
    ]


def test_an_unknown_name_is_refused_with_near_ones(folder: Path) -> None:
    catalogue = Catalogue((), (folder,))
    with pytest.raises(BridgeError) as caught:
        catalogue.adapters_for(TextToImage(prompt="<lora:mos:1>"))
    assert caught.value.code is ErrorCode.UNKNOWN_ADAPTER
    assert caught.value.field == "task.prompt"
    assert "moss" in caught.value.hint


def test_an_adapter_of_another_type_is_named_as_such(folder: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        Catalogue((), (folder,)).adapters_for(TextToImage(loras=(LoraUse("edges"),)))
    assert "of type controlnet" in caught.value.message


def test_an_adapter_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "old.pt").write_bytes(b"pickle")
    with pytest.raises(BridgeError) as caught:
        Catalogue((), (tmp_path,)).adapters_for(TextToImage(loras=(LoraUse("old"),)))
    assert caught.value.code is ErrorCode.MODEL_UNUSABLE
    assert "pickle" in caught.value.message


def test_clients_see_the_adapters_and_an_unknown_one_is_refused_at_once(daemon_factory, tiny_model, folder) -> None:
    daemon = daemon_factory("--model", str(tiny_model), "--models-dir", str(folder))
    with Peer(daemon.url, daemon.token) as peer:
        assert {adapter.id for adapter in peer.welcome.adapters} == {"moss", "ink", "worn", "edges", "look"}
        assert peer.submit("job-1", small("<lora:mos:1>")).error.code is ErrorCode.UNKNOWN_ADAPTER
    daemon.stop()
