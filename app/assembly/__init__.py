"""How the product is put together: what is made, when it lives, what it serves. `main.py` shows the whole."""
