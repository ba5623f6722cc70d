"""What of a folder or a zip becomes the code of a function."""
