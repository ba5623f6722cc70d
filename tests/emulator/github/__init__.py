"""Tests of the part of GitHub that the emulator plays."""
