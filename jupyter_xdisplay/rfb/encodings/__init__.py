"""One module per encoding: rectangles of pixels to bytes and back."""
