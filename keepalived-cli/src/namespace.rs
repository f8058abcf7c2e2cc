//! Running in a network namespace by name (`-s`).

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip netns add` keeps them.
const FOLDER: &str = "/run/netns";

/// Move the calling thread, and every thread it starts later, to the namespace. To be called before
/// there are other threads. SYS-02.
pub(crate) fn enter(name: &str) -> io::Result<()> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    if !plain {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not the name of a namespace",
        ));
    }
    let file = File::open(Path::new(FOLDER).join(name))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYS-02: a name, not a path that leads elsewhere.
    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for name in ["", ".", "..", "../../proc/1/ns/net", "/proc/1/ns/net"] {
            assert_eq!(
                enter(name).unwrap_err().kind(),
                io::ErrorKind::InvalidInput,
                "{name}"
            );
        }
        assert_eq!(
            enter("no-such-namespace").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
