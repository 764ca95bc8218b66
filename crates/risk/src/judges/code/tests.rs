//! Programs of interpreters, as they are typed to look, and as somebody would hide a command in them.
