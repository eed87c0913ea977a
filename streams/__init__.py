"""What NATS must look like: streams, consumers and key-value buckets, as code.

`topology` says what is wanted, `check` lints it, `plan` compares it with a live server, `live` reads and changes that
server, and `python -m streams check | plan | apply` is the door for people. The app imports this package; this package
never imports the app.
"""
