"""The metrics: one file each, with a function `build()`."""
