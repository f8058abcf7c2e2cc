//! `demo`.
use crate::arguments::Demo;
use std::process::ExitCode;
pub(crate) fn run(_options: &Demo) -> ExitCode {
    ExitCode::FAILURE
}
