# SPDX-License-Identifier: GPL-3.0-or-later
"""Latent Bridge for Krita: a docker that asks the bridge's daemon for layers.

plugin.py          puts the parts together
docker.py          the widgets together: form_panel, advanced_panel, guides_panel with guide_rows, status_panel,
                   queue_list, strip, edges_panel               Qt
host.py            documents, selections, layers, settings      Krita; the only module that imports `krita`
settings_dialog.py which daemon, with connection_trial.py       Qt and the bridge's client
prompt_edit.py     the field for prompts                        Qt
controller.py      what a press of Generate leads to            Qt
gallery.py         what can be done with results                Qt and the host
layer_guides.py    controls and regions from layers             the host
placing.py         results into their document                  the host
joined_steps.py    growing and its result as one step of undo   Qt and the host
bridge_thread.py   the connection to the daemon                 Qt and the bridge's client
modes.py, request.py, form.py, guides.py, weights.py, lora_words.py, daemon_choice.py    pure: what is asked for
state.py, jobs.py, history.py, memory.py, packing.py, joined.py pure: what is known of it
"""

import sys

# Krita loads its module before any plugin; outside Krita, in a test of the pure parts, there is none.
if "krita" in sys.modules:
    from .plugin import install

    install()
