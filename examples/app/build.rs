//! Leaves out symbols, in every profile: they are two thirds of an unoptimized program, and each
//! test and each task of a rehearsal packs, pushes and unpacks them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-Wl,-s");
}
