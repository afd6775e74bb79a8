//! What is asked of green and of production before and after users reach it.
//!
//! A check observes and says what it saw; what follows from it (go on, wait, go back) is decided elsewhere.

pub mod document;
pub mod reader;
pub mod smoke;
