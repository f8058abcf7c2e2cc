//! The proof that a crate needs no standard library.
//!
//! A static library with a panic handler of its own cannot be linked together with std, because
//! std brings another one. So we build such a library around the crates, and once more with std
//! in it to see that the proof can fail. No further rustup target is needed.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::run::{Report, cargo, root};

/// Crates that must do without std.
const CRATES: &[&str] = &["vrrp-proto", "vrrp-fsm", "bfd"];

/// An allocator and a panic handler; nothing here ever runs.
const LIBRARY: &str = r"#![no_std]
use core::alloc::{GlobalAlloc, Layout};

struct None;

unsafe impl GlobalAlloc for None {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: None = None;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
";

/// Builds the library and its negative control.
pub(crate) fn run(report: &mut Report) {
    let directory = root().join("target/nostd");
    let uses = CRATES
        .iter()
        .map(|name| format!("pub use {};\n", name.replace('-', "_")));
    let library = LIBRARY.to_owned() + &uses.collect::<String>();
    match build(&directory, &library) {
        Ok(None) => report.pass("nostd"),
        Ok(Some(errors)) => report.fail("nostd", &format!("does not build:\n{errors}")),
        Err(error) => report.fail("nostd", &error.to_string()),
    }
    match build(&directory, &(library + "extern crate std;\n")) {
        Ok(Some(errors)) if errors.contains("E0152") => report.pass("nostd negative control"),
        Ok(Some(errors)) => report.fail("nostd negative control", &errors),
        Ok(None) => report.fail("nostd negative control", "std was not noticed"),
        Err(error) => report.fail("nostd negative control", &error.to_string()),
    }
}

/// The errors of the compiler, or `None` when it builds.
fn build(directory: &Path, library: &str) -> std::io::Result<Option<String>> {
    let root = root();
    fs::create_dir_all(directory.join("src"))?;
    fs::write(directory.join("src/lib.rs"), library)?;
    fs::write(directory.join("Cargo.toml"), manifest(&root))?;
    // The versions of the workspace, already downloaded.
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    let mut command = cargo(&["build", "--quiet"]);
    let output = command
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", directory.join("target"))
        .stdin(Stdio::null())
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success()).then_some(errors))
}

fn manifest(root: &Path) -> String {
    let mut text = String::from(
        "[package]\nname = \"nostd-proof\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"staticlib\"]\n\n[workspace]\n\n\
         [profile.dev]\npanic = \"abort\"\n\n[dependencies]\n",
    );
    for name in CRATES {
        let path = root.join(name);
        text += &format!(
            "{name} = {{ path = {path:?}, default-features = false, features = [\"serde\"] }}\n"
        );
    }
    text
}
