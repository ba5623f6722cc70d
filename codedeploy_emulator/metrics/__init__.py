"""Traffic and metrics: synthetic callers of aliases, what they leave in CloudWatch and Logs, and GetMetricData.

`traffic` plays the callers minute by minute, `book` keeps what CloudWatch would have of it, `statistics` are those of
one period, `answers` is the API. `draws` and `durations` are the randomness, exact and cheap at any volume.
"""
