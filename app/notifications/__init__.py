"""Who is told of a notification: receivers, routes, and the way from the one to the other."""
