"""Lambda where moto differs from AWS: functions, versions, aliases, and functions that really run."""
