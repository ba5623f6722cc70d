"""Tests of the services that moto plays, and of AWS's request limits."""
