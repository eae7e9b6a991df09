"""Forms that examples are exported in, one a file (`ecr_engine.data.export.EXPORTERS`)."""
