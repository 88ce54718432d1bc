"""LoRAs: what they add, and that nothing stays behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.tasks import ImageToImage, LoraUse, TextToImage
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, random_picture
from tests.tiny_adapters import LoraLayer, lora_layers, merged_model, save_diffusers, save_kohya

PLAIN = TextToImage(prompt="moss on stone", width=64, height=64, seed=3, steps=2)
Saver = Callable[[list[LoraLayer], Path], Path]


def lora(file: Path, name: str = "moss") -> AdapterSource:
    return AdapterSource(id=name, type="lora", location=str(file))


def with_loras(*uses: LoraUse) -> TextToImage:
    return TextToImage(prompt=PLAIN.prompt, width=64, height=64, seed=3, steps=2, loras=uses)


@pytest.mark.parametrize("model", ["sd", "sdxl"])
@pytest.mark.parametrize(("save", "alphas"), [(save_diffusers, False), (save_kohya, True)])
def test_a_lora_paints_what_the_summed_weights_paint(
    bench: Bench, models: dict[str, Path], tmp_path: Path, model: str, save: Saver, alphas: bool
) -> None:
    layers = lora_layers(models[model], alphas=alphas)
    file = save(layers, tmp_path / "moss.safetensors")
    merged = Bench({"merged": merged_model(models[model], [(layer, 0.7) for layer in layers], tmp_path / "merged")})

    applied = bench.run(with_loras(LoraUse("moss", 0.7)), model, adapters=(lora(file),))

    assert difference(applied, merged.run(PLAIN, "merged")) <= 1
    assert difference(applied, bench.run(PLAIN, model)) > 20


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_each_part_acts_by_itself(bench: Bench, models: dict[str, Path], tmp_path: Path, part: str) -> None:
    layers = [layer for layer in lora_layers(models["sd"], size=1.0) if layer.part == part]
    file = save_kohya(layers, tmp_path / "part.safetensors")
    merged = Bench({"merged": merged_model(models["sd"], [(layer, 1.0) for layer in layers], tmp_path / "merged")})

    applied = bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))

    assert difference(applied, merged.run(PLAIN, "merged")) <= 1
    assert not same(applied, bench.run(PLAIN))


def test_nothing_stays_behind(fresh_bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    file = save_diffusers(lora_layers(models["sd"]), tmp_path / "moss.safetensors")
    picture = random_picture(64, 64)
    change = ImageToImage(prompt="fern", image=picture, seed=5, steps=3)
    before, changed_before = fresh_bench.run(PLAIN), fresh_bench.run(change)

    during = fresh_bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))

    assert not same(during, before)
    assert same(fresh_bench.run(PLAIN), before)
    assert same(fresh_bench.run(change), changed_before)
    assert same(fresh_bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),)), during)


def test_weight_0_is_no_lora_at_all(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    file = save_diffusers(lora_layers(models["sd"]), tmp_path / "moss.safetensors")
    assert same(bench.run(with_loras(LoraUse("moss", 0)), adapters=(lora(file),)), bench.run(PLAIN))


def test_several_add_up_each_with_its_weight(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    first = lora_layers(models["sd"], seed=1)
    second = lora_layers(models["sd"], seed=2, rank=4)
    sources = (
        lora(save_kohya(first, tmp_path / "first.safetensors"), "first"),
        lora(save_kohya(second, tmp_path / "second.safetensors"), "second"),
    )
    together = [(layer, 0.5) for layer in first] + [(layer, -0.25) for layer in second]
    merged = Bench({"merged": merged_model(models["sd"], together, tmp_path / "merged")})

    both = bench.run(with_loras(LoraUse("first", 0.5), LoraUse("second", -0.25)), adapters=sources)

    assert difference(both, merged.run(PLAIN, "merged")) <= 1
    alone = bench.run(with_loras(LoraUse("second", -0.25)), adapters=sources)
    assert not same(alone, both)


def test_named_twice_acts_with_the_sum(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    source = lora(save_kohya(lora_layers(models["sd"]), tmp_path / "moss.safetensors"))
    twice = bench.run(with_loras(LoraUse("moss", 0.25), LoraUse("moss", 0.5)), adapters=(source,))
    assert same(twice, bench.run(with_loras(LoraUse("moss", 0.75)), adapters=(source,)))


def test_ranks_may_differ_between_layers(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    wide, narrow = lora_layers(models["sd"], rank=4), lora_layers(models["sd"], rank=1, seed=9)
    mixed = [wide[n] if n % 3 else narrow[n] for n in range(len(wide))]
    file = save_kohya(mixed, tmp_path / "mixed.safetensors")
    merged = Bench({"merged": merged_model(models["sd"], [(layer, 1.0) for layer in mixed], tmp_path / "merged")})
    applied = bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))
    assert difference(applied, merged.run(PLAIN, "merged")) <= 1


def test_the_alpha_in_a_diffusers_header_counts(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    layers = lora_layers(models["sd"], alphas=False)
    file = save_diffusers(layers, tmp_path / "plain.safetensors")
    said = '{"unet.r": 2, "unet.lora_alpha": 1, "text_encoder.r": 2, "text_encoder.lora_alpha": 1}'
    save_file(load_file(file), tmp_path / "said.safetensors", metadata={"lora_adapter_metadata": said})
    halved = bench.run(with_loras(LoraUse("moss")), adapters=(lora(tmp_path / "said.safetensors"),))
    by_weight = bench.run(with_loras(LoraUse("moss", 0.5)), adapters=(lora(file),))
    assert difference(halved, by_weight) <= 1


def test_it_is_read_once_and_counted(fresh_bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    layers = lora_layers(models["sd"])
    file = save_diffusers(layers, tmp_path / "moss.safetensors")
    fresh_bench.run(PLAIN)
    without = fresh_bench.shelf.bytes
    for weight in (1.0, 0.5):
        fresh_bench.run(with_loras(LoraUse("moss", weight)), adapters=(lora(file),)).layer  # noqa: B018 - it checks
        added = sum(4 * (layer.down.numel() + layer.up.numel()) for layer in layers)
        assert fresh_bench.shelf.bytes == without + added


def test_a_file_written_anew_is_read_anew(fresh_bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    file = save_diffusers(lora_layers(models["sd"], seed=1), tmp_path / "moss.safetensors")
    first = fresh_bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))
    save_diffusers(lora_layers(models["sd"], seed=2, rank=3), file)
    second = fresh_bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))
    assert not same(first, second)
    assert first.layer.recipe["adapters"][0]["hash"] != second.layer.recipe["adapters"][0]["hash"]


def test_old_ones_make_room(
    fresh_bench: Bench, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.engine.adapters.lora.MOST_KEPT", 1)
    before = fresh_bench.run(PLAIN)
    without = fresh_bench.shelf.bytes
    sources = [
        lora(save_diffusers(lora_layers(models["sd"], seed=n), tmp_path / f"{n}.safetensors"), f"lora {n}")
        for n in range(4)
    ]
    pictures = [fresh_bench.run(with_loras(LoraUse(s.id)), adapters=(s,)) for s in sources]
    each = (fresh_bench.shelf.bytes - without) / 2
    assert each == sum(4 * (layer.down.numel() + layer.up.numel()) for layer in lora_layers(models["sd"]))
    assert same(fresh_bench.run(with_loras(LoraUse("lora 0")), adapters=(sources[0],)), pictures[0])
    assert same(fresh_bench.run(PLAIN), before)


def test_the_recipe_names_each_with_weight_and_hash(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    file = save_diffusers(lora_layers(models["sd"]), tmp_path / "moss.safetensors")
    recipe = bench.run(with_loras(LoraUse("moss", 0.5)), adapters=(lora(file),)).layer.recipe
    (entry,) = recipe["adapters"]
    assert entry == {"id": "moss", "type": "lora", "weight": 0.5, "hash": entry["hash"]}
    assert entry["hash"].startswith("sha256:")
    assert recipe["parameters"]["loras"] == [{"name": "moss", "weight": 0.5}]


def test_one_of_another_family_names_both(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    before = bench.run(PLAIN)
    file = save_kohya(lora_layers(models["sdxl"]), tmp_path / "xl.safetensors")
    outcome = bench.run(with_loras(LoraUse("moss")), adapters=(lora(file),))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "64 wide; the model sd is a family whose text features are 32 wide" in outcome.ended.error.message
    assert outcome.ended.error.field == "task.loras"
    assert same(bench.run(PLAIN), before)


def test_one_for_another_architecture_names_it(bench: Bench, tmp_path: Path) -> None:
    tensors = {
        "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 8),
        "transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight": torch.zeros(8, 2),
    }
    save_file(tensors, tmp_path / "flux.safetensors")
    outcome = bench.run(with_loras(LoraUse("moss")), adapters=(lora(tmp_path / "flux.safetensors"),))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "was made for Flux" in outcome.ended.error.message


def test_one_that_is_not_there_is_unknown(bench: Bench) -> None:
    outcome = bench.run(with_loras(LoraUse("fern")))
    assert outcome.error is ErrorCode.UNKNOWN_ADAPTER
    assert "fern" in outcome.ended.error.message


def test_a_relative_of_lora_is_refused_by_name(bench: Bench, tmp_path: Path) -> None:
    save_file({"lora_unet_x.hada_w1_a": torch.zeros(2, 2)}, tmp_path / "loha.safetensors")
    outcome = bench.run(with_loras(LoraUse("moss")), adapters=(lora(tmp_path / "loha.safetensors"),))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "LoHa" in outcome.ended.error.message


@pytest.mark.parametrize(
    ("name", "code"), [("cut.safetensors", ErrorCode.MODEL_UNUSABLE), ("old.ckpt", ErrorCode.UNSAFE_WEIGHTS)]
)
def test_damaged_and_unsafe_files_are_refused(bench: Bench, tmp_path: Path, name: str, code: ErrorCode) -> None:
    (tmp_path / name).write_bytes(b"\x80\0\0\0\0\0\0\0{")
    assert bench.run(with_loras(LoraUse("moss")), adapters=(lora(tmp_path / name),)).error is code
