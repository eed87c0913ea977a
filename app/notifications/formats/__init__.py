"""How each service wants to be told, one file a service. Pure: a notice becomes a request, an answer an outcome."""
