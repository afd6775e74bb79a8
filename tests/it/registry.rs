//! The image transfer against a real registry, a real engine and a second reader.

mod archives;
mod bench;
mod between;
mod ecr;
mod engine;
mod faults;
mod hostile;
mod layouts;
mod mended;
mod promotion;
mod replay;
mod stage;
mod unlucky;
