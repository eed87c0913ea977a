"""Templates of receivers, each bounded in what it may be and do."""
