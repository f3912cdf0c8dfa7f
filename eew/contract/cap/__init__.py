"""Events as CAP 1.2 (Common Alerting Protocol): the messages of each event, and an Atom feed of them."""
