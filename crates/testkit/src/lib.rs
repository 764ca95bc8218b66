//! Stand-ins with state for tests: simulated hosts, a scripted model server, private databases, a clock moved by hand.
