"""What every service shares, and that knows no service."""

import gc
import os

# Imports make a hundred thousand objects that live as long as the process: looking through them for garbage
# costs a fifth of a cold start. `ready()` turns the collector on again.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()


def ready() -> None:
    """Init is over: what exists now will stay, so the collector need never look at it."""
    gc.freeze()
    gc.enable()
