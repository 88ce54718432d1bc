"""Drives a real Krita on a virtual screen with real mouse and keyboard events."""
