"""The fields as settings of live generation, and how that goes in words."""

from __future__ import annotations

from latent_bridge.form import Form
from latent_bridge.guides import LoraEntry
from latent_bridge.live.share import title_of
from latent_bridge.live.wishes import FrameRate, Report, Wishes, report_of, settings_of
from latent_bridge.request import Rect

from bridge.protocol.areas import Area
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveInfo
from bridge.protocol.messages import ErrorInfo
from bridge.protocol.tasks import LoraUse

CANVAS = Rect(0, 0, 4096, 4096)


def test_prompt_model_and_seed_are_the_dockers_and_the_strength_is_lives_own():
    form = Form(prompt=" moss ", model="m", seed=5, random_seed=False, strength=100, steps=3)
    settings = settings_of(form, Wishes(strength=40, seed=9), CANVAS, None, 512)
    assert (settings.prompt, settings.model, settings.seed, settings.steps) == ("moss", "m", 5, 3)
    assert settings.strength == 0.4
    assert (settings.area, settings.needs_area, settings.mask) == (None, False, "")


def test_loras_of_the_docker_count_in_live_generation_too():
    form = Form(loras=(LoraEntry("mossy", 80), LoraEntry("", 100)))
    assert settings_of(form, Wishes(), CANVAS, None, 512).loras == (LoraUse("mossy", 0.8),)


def test_a_random_seed_is_the_same_for_all_frames():
    settings = settings_of(Form(random_seed=True), Wishes(seed=9), CANVAS, None, 512)
    assert settings.seed == 9


def test_a_selection_brings_its_surroundings_along_and_its_mask():
    selection = Rect(1000, 1000, 100, 80)
    settings = settings_of(Form(), Wishes(selected_only=True), CANVAS, selection, 512)
    assert settings.mask == "mask"
    assert settings.area is not None
    assert settings.area.common(Area(1000, 1000, 100, 80)) == Area(1000, 1000, 100, 80)
    assert settings.area.width >= 512
    assert settings.area.within(4096, 4096)


def test_a_canvas_without_a_mask_is_looked_at_within_the_bounds_of_the_selection():
    settings = settings_of(Form(), Wishes(selected_only=True), CANVAS, Rect(-10, 5, 100, 80), 512, masks=False)
    assert (settings.area, settings.mask) == (Area(0, 5, 90, 80), "")


def test_a_lost_selection_is_no_reason_to_take_the_whole_canvas():
    for selection in (None, Rect(5000, 0, 10, 10)):
        settings = settings_of(Form(), Wishes(selected_only=True), CANVAS, selection, 512)
        assert (settings.area, settings.needs_area) == (None, True)


def test_the_line_tells_size_scale_and_rate():
    info = LiveInfo(state="running", width=512, height=384, scale=0.25)
    assert report_of(info, None, 7.5) == Report("Live, 512 × 384 px (25%), 7.5 frames/s")
    assert (
        report_of(LiveInfo(state="waiting", width=8, height=8), None, 7.5).text == "Live: nothing has changed, 8 × 8 px"
    )


def test_a_pause_tells_why_and_what_to_do():
    reason = ErrorInfo(ErrorCode.INVALID_FIELD, "There is no selection.", "Select something.")
    report = report_of(LiveInfo(state="paused", reason=reason), None, 0)
    assert report == Report("Paused", "There is no selection.", "Select something.")


def test_a_refusal_is_told_while_live_goes_on():
    error = BridgeError(ErrorCode.UNKNOWN_MODEL, "No such model.", hint="Choose another.")
    assert report_of(LiveInfo(state="running"), error, 0) == Report("Live", "No such model.", "Choose another.")


def test_the_rate_is_that_of_the_last_two_seconds():
    rate = FrameRate()
    for number in range(20):
        rate.frame(number * 0.1)
    assert rate.at(2.0) == 10
    assert rate.at(9.0) == 0


def test_no_two_documents_share_a_canvas_by_accident():
    taken = {"krita: Unnamed", "krita: Unnamed 2"}
    assert title_of("", taken.__contains__) == "krita: Unnamed 3"
    assert title_of("moss", taken.__contains__) == "krita: moss"
