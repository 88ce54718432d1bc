"""Frames of live canvases: one picture at a time, as soon as can be, for somebody who is painting."""
