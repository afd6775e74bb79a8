//! The image transfer against a real registry, a real engine and a second reader.

mod archives;
mod bench;
mod between;
mod engine;
mod faults;
mod layouts;
mod promotion;
mod replay;
