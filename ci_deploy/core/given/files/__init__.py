"""Files that people write: the AppSpec, the manifest, the smoke file."""
