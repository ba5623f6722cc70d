"""Packages on this machine: a folder becomes a zip, a zip is read; both are hashed on the way."""
