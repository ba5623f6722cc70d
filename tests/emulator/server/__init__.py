"""Tests of the server: connections, protocols, control endpoints, faults, visitors."""
