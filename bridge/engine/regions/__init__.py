"""Regions: parts of the canvas with prompts of their own, painted in one go with the rest."""
