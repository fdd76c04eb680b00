//! The protocol suite at every target that this repository has.

mod in_process;
