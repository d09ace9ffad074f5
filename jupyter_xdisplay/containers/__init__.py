"""Container engines: talking to them, and the images that are built for displays."""
