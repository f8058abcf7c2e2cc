//! Doors for fuzzers to what is nobody's business otherwise. Feature `fuzzing`; no part of the interface.

pub use crate::balance::fuzzing::services_file;
pub use crate::balance::fuzzing::{panic as balance_panic, plan as balance_plan};
pub use crate::control::fuzzing::connection as control_connection;
pub use crate::hooks::fuzzing::queue as hook_queue;
pub use crate::pipes::fuzzing::pipes as hook_fifo;
pub use crate::tracked::fuzzing::{process_events, track_file};
