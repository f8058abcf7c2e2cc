//! `simulate FILE...`: what the nodes of a cluster will do when something happens to them.

// Nothing writes a document yet.
#[allow(dead_code, reason = "the command that makes it is not there yet")]
pub(crate) mod document;
#[allow(dead_code, reason = "the command that prints it is not there yet")]
pub(crate) mod json;
