"""EventHooks as custom resources: mirrored into the registry, written by HTTP, told how they are."""
