"""How fast it is, against the plain way of doing the same on the same machine in the same run: `make bench`."""
