//! Scripts run on state changes.
