//! The image transfer against a real registry, a real engine and a second reader.

mod archives;
mod bench;
mod between;
mod ecr;
mod engine;
mod faults;
mod hostile;
mod interrupted;
mod layouts;
mod promotion;
mod recovered;
mod replay;
mod stage;
