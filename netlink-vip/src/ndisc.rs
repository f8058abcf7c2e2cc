//! Neighbour discovery frames.
