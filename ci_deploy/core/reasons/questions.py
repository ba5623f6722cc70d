"""What a check asks, as docs/preflight.md has it."""

CODE_READABLE = "Can Lambda still read the code?"
CODE_BY_REFERENCE = "Does the function's code stay where Lambda reads it?"
SETTINGS_COMPARED = "Can the settings that a version freezes be compared?"
TRAFFIC_DOUBLES = "Do managed instances keep up with the traffic?"
DURABLE_EXECUTIONS = "Do executions stay on the old version?"
