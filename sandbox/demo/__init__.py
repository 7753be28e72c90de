"""The demo: real releases with real requests, watched live and reported as JSON."""
