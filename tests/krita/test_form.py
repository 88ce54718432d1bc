"""What is remembered from one Krita to the next."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.form import Form, load_form, parse_seed, save_form

from bridge.protocol.tasks import MAX_SEED


class Settings:
    """Krita's settings: texts by group and key."""

    def __init__(self, text: str | None = None) -> None:
        self.values = {} if text is None else {("latent_bridge", "form"): text}

    def read(self, group: str, key: str, default: str) -> str:
        return self.values.get((group, key), default)

    def write(self, group: str, key: str, value: str) -> None:
        self.values[group, key] = value


def test_nothing_remembered_gives_the_defaults():
    assert load_form(Settings().read) == Form()


@given(
    st.builds(
        Form,
        prompt=st.text(),
        negative_prompt=st.text(),
        strength=st.integers(1, 100),
        steps=st.integers(0, 150),
        seed=st.integers(0, MAX_SEED),
        random_seed=st.booleans(),
        model=st.text(),
    )
)
def test_a_form_is_remembered_as_it_was(form: Form):
    settings = Settings()
    save_form(form, settings.write)
    assert load_form(settings.read) == form


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null"])
def test_settings_that_make_no_sense_give_the_defaults(text: str):
    assert load_form(Settings(text).read) == Form()


def test_values_of_another_type_and_unknown_ones_are_passed_over():
    text = json.dumps({"prompt": "moss", "strength": "much", "steps": True, "colour": 3})
    assert load_form(Settings(text).read) == Form(prompt="moss")


def test_numbers_out_of_range_are_brought_back():
    text = json.dumps({"strength": 900, "steps": -4, "seed": 2**40})
    assert load_form(Settings(text).read) == Form(strength=100, steps=0, seed=MAX_SEED)


@pytest.mark.parametrize(("text", "seed"), [("", 0), ("12", 12), (" 1 2x", 12), ("9999999999", MAX_SEED), ("-3", 3)])
def test_a_seed_is_the_digits_of_what_was_typed(text: str, seed: int):
    assert parse_seed(text) == seed
