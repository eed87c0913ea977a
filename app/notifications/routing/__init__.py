"""Who is told of a notification: receivers and routes as people write them, and the tree that they are."""
