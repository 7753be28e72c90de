"""Exposure: how many requests fail before a bad release is seen, here and with what others use."""
