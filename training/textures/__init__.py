"""Procedural pictures of surface textures, each with the English caption that describes it."""
