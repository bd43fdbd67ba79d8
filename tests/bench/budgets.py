"""The budgets of start and request times and of instructions, as ratios measured in one run."""

# Cold start: import and first request.
COLD_TO_RELEASED = 1.35  # times; a bare handler with botocore as released
COLD_TO_TRIMMED = 1.7  # times; a bare handler with our trimmed botocore
COLD_TO_TRIMMED_INSTRUCTIONS = 1.65  # times, by instructions
COLD_TO_UNPACKAGED = 0.35  # times; the same code without the packaging step
FIRST_TO_SECOND = 5  # times; the first request to the second

# Warm
FRAMEWORK_MICROSECONDS = 25  # over a raw function, on an idle machine
WARM_TO_RAW = 1.35  # times; a handler that calls botocore without a framework
WARM_TO_RAW_INSTRUCTIONS = 1.15  # times, by instructions
