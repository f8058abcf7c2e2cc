//! By what this daemon knows its own in the kernel, after a run that was killed: daemons told apart by their pid files
//! are told apart there.

use std::fmt::Write as _;
use std::path::Path;

use netlink_vip::Tag;

use crate::pidfile;

/// Longest name of a chain of ours; the kernel takes 255 octets.
const LONGEST: usize = 200;

/// The mark of our addresses, routes and rules in the kernel. Daemons told apart by their pid files get different
/// ones, so that none takes the addresses of another for what its own earlier run left behind.
pub(crate) fn tag(pid_file: &Path) -> Tag {
    /// Numbers that neither the kernel nor a routing program uses for its routes: 186 to 199 belong
    /// to FRR and its like, small ones to others.
    const FREE: [std::ops::RangeInclusive<u8>; 2] = [100..=184, 200..=254];
    if pid_file == Path::new(pidfile::DEFAULT) {
        return Tag::KEEPALIVED;
    }
    let sum = pid_file
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
        });
    let free: Vec<u8> = FREE.into_iter().flatten().collect();
    let at = usize::try_from(sum).unwrap_or_default() % free.len();
    free.get(at).copied().map_or(Tag::KEEPALIVED, Tag)
}

/// The name of a chain in our tables of nftables, in the letters that `nft` takes: the whole path of the pid file, where
/// a mark has eight bits, which two daemons may share.
pub(crate) fn owner(pid_file: &Path) -> String {
    let path = pid_file.as_os_str().as_encoded_bytes();
    let mut owner = String::from("keepalived_rs_");
    for octet in path {
        match char::from(*octet) {
            letter if letter.is_ascii_alphanumeric() => owner.push(letter),
            sign @ ('/' | '.' | '-') => owner.push(sign),
            // Writing to a string cannot fail.
            _ => drop(write!(owner, "_{octet:02x}")),
        }
    }
    if owner.len() > LONGEST {
        // FNV-1a: of paths as long as this the sum has to do.
        let sum = path.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, octet| {
            (sum ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
        });
        owner.truncate(LONGEST - 17);
        let _ = write!(owner, "_{sum:016x}");
    }
    owner
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FW-04: two whose marks in the kernel are the same took each other's tables for their own.
    #[test]
    fn daemons_that_share_a_mark_have_tables_of_their_own() {
        let path = |number: u32| format!("/run/keepalived-{number}.pid");
        let paths: Vec<_> = (0..1000).map(path).collect();
        let same = |one: &&String| tag(Path::new(*one)) == tag(Path::new(&paths[0]));
        let collide: Vec<_> = paths.iter().filter(same).collect();
        assert!(collide.len() > 1, "eight bits are few");
        let owners = collide.iter().map(|path| owner(Path::new(*path)));
        let owners: std::collections::BTreeSet<_> = owners.collect();
        assert_eq!(owners.len(), collide.len());
        // Nor are those the same whose signs differ.
        for (one, other) in [("/a_b", "/a/b"), ("/a b", "/a_20b"), ("/\u{e4}", "/_c3_a4")] {
            assert_ne!(owner(Path::new(one)), owner(Path::new(other)));
        }
        let long = |end: &str| owner(Path::new(&("/x".repeat(300) + end)));
        assert_ne!(long("a"), long("b"));
        assert_eq!(long("a").len(), LONGEST);
        for octet in owner(Path::new("/run/a \"b{}; #\u{e4}.pid")).bytes() {
            let fine = octet.is_ascii_alphanumeric() || b"/.-_".contains(&octet);
            assert!(fine, "{octet}");
        }
    }
}
