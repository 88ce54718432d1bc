"""A document's results, as the document holds them; and the masks beside them."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.form import Form, form_of
from latent_bridge.history import MOST_ENTRIES, Entry, History, dump_memory, load_memory
from latent_bridge.memory import ANNOTATION, Memories
from latent_bridge.packing import alpha_of, inverted, packed, unpacked, with_alpha
from latent_bridge.request import Rect, make_plan

PLAN = make_plan(Rect(0, 0, 64, 48), None, Form(), 512)
ENTRY = Entry("job-1", 0, PLAN, dataclasses.asdict(Form(prompt="moss")), seed=7)


class Paper:
    """Stands for an open document of the host, of which these parts only need a place for bytes."""

    def __init__(self) -> None:
        self.is_open = True
        self.annotations: dict[str, bytes] = {}

    def same(self, other: object) -> bool:
        return self is other

    def read_annotation(self, name: str) -> bytes:
        return self.annotations.get(name, b"")

    def write_annotation(self, name: str, value: bytes) -> None:
        self.annotations[name] = value


class TestHistory:
    def test_the_newest_comes_first_and_the_same_result_once(self):
        newer = dataclasses.replace(ENTRY, job_id="job-2")
        history = History().put(ENTRY).put(newer).put(dataclasses.replace(ENTRY, layer="{a}"))
        assert [entry.job_id for entry in history.entries] == ["job-2", "job-1"]
        assert history.of_layer("{a}").job_id == "job-1"

    def test_a_layer_of_somebody_else_is_nobodys_result(self):
        assert History().put(ENTRY).of_layer("") is None

    def test_what_is_under_way_is_no_result_yet(self):
        history = History().put(dataclasses.replace(ENTRY, seed=None))
        assert (history.results, len(history.missing)) == ((), 1)

    def test_the_order_of_the_user_is_kept_and_nothing_is_lost(self):
        entries = [dataclasses.replace(ENTRY, index=index) for index in range(4)]
        history = History(tuple(entries)).ordered([("job-1", 2), ("job-1", 0), ("gone", 0)])
        assert [entry.index for entry in history.entries] == [2, 0, 1, 3]

    def test_the_oldest_go_first(self):
        history = History()
        for index in range(MOST_ENTRIES + 3):
            history = history.put(dataclasses.replace(ENTRY, index=index))
        assert len(history.entries) == MOST_ENTRIES
        assert history.find(("job-1", 0)) is None

    def test_it_survives_the_document(self):
        history = History().put(ENTRY).put(dataclasses.replace(ENTRY, index=1, seed=None, mask="x"))
        values, loaded = load_memory(dump_memory(Form(prompt="moss"), history))
        assert loaded == history
        assert form_of(values) == Form(prompt="moss")

    @given(st.binary(max_size=40))
    def test_a_damaged_document_has_none(self, data: bytes):
        assert load_memory(data) == (None, History())

    def test_damaged_entries_are_left_out(self):
        data = dump_memory(Form(), History((ENTRY,))).replace(b'"inpaint"', b'"x"').replace(b'"text-to-image"', b'"x"')
        assert load_memory(data)[1] == History()


class TestMemories:
    def test_every_document_has_its_own_and_a_closed_one_is_forgotten(self):
        memories, first, second = Memories(), Paper(), Paper()
        memories.of(first).history = History((ENTRY,))
        assert memories.of(second).history == History()
        assert memories.of(first).history == History((ENTRY,))
        first.is_open = False
        memories.of(second)
        first.is_open = True
        assert memories.of(first).history == History()

    def test_a_new_document_says_nothing_about_the_fields(self):
        assert Memories().of(Paper()).form is None

    def test_what_was_saved_is_there_for_the_next_krita(self):
        paper = Paper()
        memory = Memories().of(paper)
        memory.history = History((ENTRY,))
        memory.save(Form(prompt="moss"))
        again = Memories().of(paper)
        assert (again.form, again.history) == (Form(prompt="moss"), History((ENTRY,)))
        assert set(paper.annotations) == {ANNOTATION}

    def test_a_closed_document_is_not_written_to(self):
        paper = Paper()
        memory = Memories().of(paper)
        paper.is_open = False
        memory.save(Form())
        assert paper.annotations == {}


class TestMasks:
    @given(st.binary(min_size=1, max_size=200))
    def test_packed_and_unpacked_are_the_same(self, mask: bytes):
        assert unpacked(packed(mask), len(mask)) == mask

    def test_damaged_text_or_another_size_is_no_mask(self):
        assert unpacked("not base64!", 4) == b""
        assert unpacked(packed(b"abcd"), 5) == b""
        assert packed(b"") == ""

    @given(st.binary(max_size=64))
    def test_inverting_twice_changes_nothing(self, mask: bytes):
        assert inverted(inverted(mask)) == mask

    def test_alpha_is_every_fourth_byte(self):
        pixels = bytes(range(8))
        assert alpha_of(pixels) == bytes([3, 7])
        assert with_alpha(pixels, b"\xff\x00") == bytes([0, 1, 2, 255, 4, 5, 6, 0])
