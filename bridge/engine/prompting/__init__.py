"""Prompts: a small language for choices, weights and adapters, and text of any length for the text encoders."""
