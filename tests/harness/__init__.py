"""What the tests of the running service share: start it, talk to it, read its logs and its database."""
