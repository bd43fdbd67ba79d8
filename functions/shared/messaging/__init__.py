"""Communication between functions: calls, queue consumers and stream relays."""
