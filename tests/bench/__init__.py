"""What a request costs, and how fast it is answered: `make bench`."""
