//! What the standing orders say about an assessed action; pure.
