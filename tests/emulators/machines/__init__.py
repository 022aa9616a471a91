"""What the emulated clouds share: the machines behind their instances, and a proxy for what their balancers route."""
