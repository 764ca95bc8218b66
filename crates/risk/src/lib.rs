//! How dangerous typed steps are, computed by code; pure.
