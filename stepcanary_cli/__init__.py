"""The command line: `stepcanary`, for people and for pipelines of other kinds."""
