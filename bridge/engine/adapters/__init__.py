"""What changes how a model draws without being a model: LoRAs, embeddings, pictures that guide."""
