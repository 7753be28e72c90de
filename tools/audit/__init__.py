"""Audit: what advisories, checkov and detect-secrets say, less what has an excuse."""
