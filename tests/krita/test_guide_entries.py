"""What guides a picture, as a document remembers it, and what of the daemon's adapters fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.guides import (
    GUIDING,
    MOST_TRIGGERS,
    ControlEntry,
    LoraEntry,
    RegionEntry,
    entries_of,
    fitting,
    with_triggers,
)

from bridge.protocol.messages import AdapterInfo

PLAIN = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8)


def test_stored_rows_become_entries_again():
    row = {"layer": "{1}", "name": "Lines", "adapter": "edges", "preprocess": "canny", "strength": 80, "end": 60}
    assert entries_of(ControlEntry, [row], 8) == (ControlEntry("{1}", "Lines", "edges", "canny", 80, 0, 60),)


def test_a_finished_picture_says_what_it_shows():
    assert ControlEntry(preprocess="finished:depth").shows == "depth"
    assert ControlEntry(preprocess="depth").shows is None


def test_numbers_are_brought_into_their_range_and_other_types_take_their_defaults():
    assert entries_of(LoraEntry, [{"name": "a", "weight": 9000}, {"weight": "much"}], 16) == (
        LoraEntry("a", 400),
        LoraEntry("", 100),
    )
    assert entries_of(RegionEntry, [{"strength": 150}], 16) == (RegionEntry(strength=100),)


def test_there_are_no_more_than_a_task_may_hold():
    assert len(entries_of(LoraEntry, [{"name": str(number)} for number in range(20)], 16)) == 16


@pytest.mark.parametrize("stored", [None, "rows", 7, {"name": "a"}, [None, 3, "x"]])
def test_what_are_no_rows_is_nothing(stored: object):
    assert entries_of(LoraEntry, stored, 16) == ()


@given(st.lists(st.dictionaries(st.sampled_from(["layer", "name", "strength", "start", "end", "other"]), PLAIN)))
def test_whatever_a_file_holds_entries_are_within_their_ranges(rows: list[dict[str, object]]):
    for entry in entries_of(ControlEntry, rows, 8):
        assert isinstance(entry.layer, str)
        assert 0 <= entry.strength <= 200
        assert 0 <= entry.start <= 100
        assert 0 <= entry.end <= 100


def test_adapters_fit_by_type_and_family_and_usability():
    adapters = [
        AdapterInfo(id="fits", type="controlnet", family="sd15"),
        AdapterInfo(id="unknown", type="t2i-adapter"),
        AdapterInfo(id="other family", type="controlnet", family="sdxl"),
        AdapterInfo(id="lora", type="lora", family="sd15"),
        AdapterInfo(id="torn", type="controlnet", family="sd15", unusable="It is torn."),
    ]
    assert [adapter.id for adapter in fitting(adapters, GUIDING, "sd15")] == ["fits", "unknown"]
    assert [adapter.id for adapter in fitting(adapters, ("lora",), "sd15")] == ["lora"]


def test_trigger_words_go_behind_the_prompt_once():
    assert with_triggers("a wall, ", ["mossy style", " wet "]) == "a wall, mossy style, wet"
    assert with_triggers("a Mossy Style wall", ["mossy style"]) == "a Mossy Style wall"
    assert with_triggers("", ["mossy style"]) == "mossy style"
    assert with_triggers("a wall", []) == "a wall"


def test_a_file_that_lists_all_words_of_its_captions_does_not_flood_the_prompt():
    assert with_triggers("", [f"word{number}" for number in range(50)]).count(",") == MOST_TRIGGERS - 1
