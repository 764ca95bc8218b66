//! Model providers: the wire to a local model, streaming, and the model doctor.
