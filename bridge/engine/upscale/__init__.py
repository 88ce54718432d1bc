"""Pictures larger than a model can see at once: enlarged, and painted in overlapping tiles that agree."""
