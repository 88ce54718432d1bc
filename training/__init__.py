"""Scripts that make the pictures, train and measure the built-in model of surface textures."""
