//! Load and warm-up against a real HTTP server.
