"""Tests of Lambda where moto falls short of it."""
