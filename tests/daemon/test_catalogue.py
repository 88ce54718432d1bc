"""Models are found from their JSON files; what cannot be used is listed with the reason."""

import json
import shutil

import pytest

from bridge.daemon.catalogue import Catalogue
from bridge.daemon.config import BUILTIN_MODELS
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import TextToImage
from tests.daemon.test_adapters import write_weights

WHOLE_FILE = {
    "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (1, 768),
    "first_stage_model.decoder.conv_in.weight": (1, 1, 1, 1),
    "cond_stage_model.transformer.x": (1,),
}
"""Names and shapes of a checkpoint of Stable Diffusion 1 with all its parts."""


def make_model(folder, sample_size=8, blocks=4, class_name="StableDiffusionPipeline", unet=None, **card):
    files = {
        "model_index.json": {"_class_name": class_name, "unet": ["diffusers", "UNet2DConditionModel"]},
        "unet/config.json": {"sample_size": sample_size, **(unet or {})},
        "vae/config.json": {"block_out_channels": [8] * blocks},
    }
    if card:
        files["bridge.json"] = card
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def test_sizes_are_read_from_the_configuration(tmp_path):
    make_model(tmp_path / "plain", sample_size=64, blocks=4)
    info = Catalogue((), (tmp_path,)).find("plain").info
    assert (info.native_size, info.size_multiple, info.steps) == (512, 8, 25)


def test_a_card_overrides_what_is_guessed(tmp_path):
    make_model(tmp_path / "turbo", title="Turbo", steps=2, guidance_scale=0.0, native_size=256)
    model = Catalogue((), (tmp_path,)).find("turbo")
    assert (model.info.title, model.source.steps, model.source.guidance_scale) == ("Turbo", 2, 0.0)
    assert model.source.native_size == 256


def test_the_first_named_model_is_the_default(tmp_path):
    make_model(tmp_path / "models" / "other")
    named = make_model(tmp_path / "mine")
    catalogue = Catalogue((str(named), "owner/on-the-hub"), (tmp_path / "models",))
    assert [info.id for info in catalogue.infos()] == ["mine", "owner/on-the-hub", "other"]
    assert catalogue.find("").info.id == "mine"
    assert catalogue.find("owner/on-the-hub").hub_id == "owner/on-the-hub"
    assert catalogue.find("owner/on-the-hub").info.downloaded is False


def test_new_models_are_found_by_looking_again(tmp_path):
    catalogue = Catalogue((), (tmp_path,))
    make_model(tmp_path / "late")
    catalogue.refresh()
    assert catalogue.find("late")


def test_nothing_outside_the_catalogue_is_ever_used(tmp_path):
    hidden = make_model(tmp_path / "hidden")
    for name in (str(hidden), "../hidden", "owner/model"):
        with pytest.raises(BridgeError) as caught:
            Catalogue((), ()).find(name)
        assert caught.value.code is ErrorCode.UNKNOWN_MODEL


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_a_broken_folder_is_listed_with_the_reason(tmp_path, content):
    folder = make_model(tmp_path / "broken")
    if content is None:
        (folder / "model_index.json").unlink()
    else:
        (folder / "model_index.json").write_text(content)
    catalogue = Catalogue((str(folder),), ())
    assert "model_index.json" in catalogue.infos()[0].unusable
    with pytest.raises(BridgeError) as caught:
        catalogue.find("broken")
    assert caught.value.code is ErrorCode.MODEL_UNUSABLE


def test_family_tasks_and_recommendations_come_from_the_table_of_families(tmp_path):
    make_model(tmp_path / "xl", class_name="StableDiffusionXLPipeline", sample_size=128)
    make_model(tmp_path / "nine", unet={"in_channels": 9, "out_channels": 4})
    make_model(tmp_path / "my-sdxl-turbo", class_name="StableDiffusionXLPipeline", sample_size=64)
    found = {info.id: info for info in Catalogue((), (tmp_path,)).infos()}
    assert (found["xl"].family, found["xl"].native_size, found["xl"].steps) == ("sdxl", 1024, 30)
    assert found["nine"].tasks == ("inpaint", "outpaint")
    assert (found["my-sdxl-turbo"].steps, found["my-sdxl-turbo"].guidance_scale) == (4, 1.0)


def test_a_pipeline_that_paints_no_pictures_is_listed_with_the_reason(tmp_path):
    make_model(tmp_path / "video", class_name="WanPipeline")
    assert "WanPipeline" in Catalogue((), (tmp_path,)).infos()[0].unusable


def test_a_task_that_a_model_cannot_do_is_refused_with_models_that_can(tmp_path):
    make_model(tmp_path / "nine", unet={"in_channels": 9, "out_channels": 4})
    make_model(tmp_path / "whole")
    with pytest.raises(BridgeError) as caught:
        Catalogue((), (tmp_path,)).find_for(TextToImage(model="nine"))
    assert caught.value.code is ErrorCode.TASK_UNSUPPORTED
    assert "whole" in caught.value.hint


@pytest.mark.parametrize("card", [{"steps": "many"}, {"guidance_scale": []}])
def test_a_card_that_makes_no_sense_is_listed_with_the_reason(tmp_path, card):
    make_model(tmp_path / "odd", **card)
    assert "bridge.json" in Catalogue((), (tmp_path,)).infos()[0].unusable


def test_a_name_that_is_neither_folder_nor_hub_id_is_listed_as_such():
    assert "neither" in Catalogue(("no such thing",), ()).infos()[0].unusable


def test_the_built_in_model_is_there():
    info = Catalogue((), (BUILTIN_MODELS,)).find("").info
    assert info.id == "bridge-textures"
    assert info.unusable == ""


def in_cache(cache, hub_id="owner/model", commit="c" * 40, **make):
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    folder = make_model(repository / "snapshots" / commit, **make)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    return folder


def test_a_model_in_the_hub_s_cache_is_told_from_its_own_configuration(tmp_path):
    in_cache(tmp_path / "hub", "owner/some-turbo", class_name="StableDiffusionXLPipeline", sample_size=128)
    for named in ((), ("owner/some-turbo",)):
        model = Catalogue(named, (), tmp_path / "hub").find("owner/some-turbo")
        assert (model.info.family, model.info.steps, model.info.downloaded) == ("sdxl", 4, True)
        assert (model.hub_id, model.info.weights_bytes) == ("", 7)


def test_models_of_the_cache_come_after_those_of_the_configured_folders(tmp_path):
    in_cache(tmp_path / "hub")
    make_model(tmp_path / "models" / "mine")
    assert Catalogue((), (tmp_path / "models",), tmp_path / "hub").find("").info.id == "mine"


def test_a_model_that_came_only_in_part_is_downloaded_when_named_and_else_listed_with_the_reason(tmp_path):
    folder = in_cache(tmp_path / "hub")
    shutil.rmtree(folder / "unet")
    assert Catalogue(("owner/model",), (), tmp_path / "hub").find("").hub_id == "owner/model"
    listed = Catalogue((), (), tmp_path / "hub").infos()[0]
    assert "unet" in listed.unusable
    assert "latent-bridge pull owner/model" in listed.unusable


def test_other_things_in_the_cache_are_no_models(tmp_path):
    (tmp_path / "hub" / "models--owner--words" / "refs").mkdir(parents=True)
    (tmp_path / "hub" / "datasets--owner--data").mkdir()
    assert Catalogue((), (), tmp_path / "hub").infos() == ()


def test_a_model_that_was_removed_from_the_cache_is_downloaded_again(tmp_path):
    in_cache(tmp_path / "hub")
    catalogue = Catalogue(("owner/model",), (), tmp_path / "hub")
    shutil.rmtree(tmp_path / "hub")
    assert catalogue.find("owner/model").hub_id == "owner/model"


def test_settings_alone_are_enough_for_a_file_of_their_family(tmp_path):
    folder = in_cache(tmp_path / "hub", sample_size=64, unet={"cross_attention_dim": 768})
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    models = tmp_path / "models"
    write_weights(models / "whole.safetensors", WHOLE_FILE)
    write_weights(models / "denoiser.safetensors", {name: WHOLE_FILE[name] for name in list(WHOLE_FILE)[:1]})
    catalogue = Catalogue((), (models,), tmp_path / "hub")
    assert catalogue.find("whole").source.base == str(folder)
    unusable = {info.id: info.unusable for info in catalogue.infos()}
    assert "diffusers layout" in unusable["denoiser"]
    assert "only its settings are here" in unusable["owner/model"]


def test_a_file_without_settings_says_how_to_get_them(tmp_path):
    write_weights(tmp_path / "mine.safetensors", WHOLE_FILE)
    reason = Catalogue((), (tmp_path,)).infos()[0].unusable
    assert "latent-bridge pull stable-diffusion-v1-5/stable-diffusion-v1-5 --settings" in reason
