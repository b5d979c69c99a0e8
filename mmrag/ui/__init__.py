"""The pages. Thin: everything that is shown comes from a `Trace`; everything that is done is done by a `Backend`."""
