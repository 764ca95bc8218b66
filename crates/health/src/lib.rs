//! The probe script, its parsers and the checks: values in, findings out; pure.
