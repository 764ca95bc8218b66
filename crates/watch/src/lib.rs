//! The use cases and loops: looking, tracking issues, diagnosing, approving, running.
