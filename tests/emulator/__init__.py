"""Tests of the emulator: what it promises to clients that know nothing of it."""
