"""The pure part: no clock, no network, no files, no print. It imports nothing of ours but itself."""
