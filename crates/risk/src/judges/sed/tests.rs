//! Scripts of sed as people write them, and as somebody would hide a command in them.
