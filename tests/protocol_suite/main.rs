//! The protocol suite at every target that this repository has.

mod broken;
mod hyper;
mod in_process;
