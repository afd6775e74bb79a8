//! (stories)
