//! x.
#![no_std]
