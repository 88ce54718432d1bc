"""Libraries that keep their progress bars and advice to themselves."""

from __future__ import annotations


def quieten_libraries() -> None:
    """Silence the bars and hints of diffusers and transformers; errors still reach the log."""
    import warnings

    import diffusers.utils.logging as of_diffusers
    import transformers.utils.logging as of_transformers

    for logging in (of_diffusers, of_transformers):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="(diffusers|transformers).*")
