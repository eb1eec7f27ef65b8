"""Shared by the tests of the running service: start it, send requests, read its logs and its database."""
