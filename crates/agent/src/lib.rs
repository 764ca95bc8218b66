//! Runbooks, prompts, the reply's schema and redaction: what turns a finding into a proposal; pure.
