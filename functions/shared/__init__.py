"""Code that all services share and that depends on none of them."""

import gc
import os

# Imports create a hundred thousand objects that live as long as the process. Garbage collection during init
# would take a fifth of a cold start, so it is off until `finish_init`.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()


def finish_init() -> None:
    """Turn garbage collection on, and exclude the objects that init created from it."""
    gc.freeze()
    gc.enable()
