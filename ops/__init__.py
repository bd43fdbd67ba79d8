"""Tools for whoever operates a stage: they read and repair it from outside and are never deployed."""
