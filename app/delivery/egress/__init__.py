"""Where deliveries may connect, judged at the socket."""
