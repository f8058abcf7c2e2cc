//! Whether clients are told of the addresses as often by one node as by another.

use super::pairing::Router;
use super::{Findings, Member};
use crate::diagnostic::Severity::Warning;

/// A node that never tells again, beside one that does: how often is a matter of taste.
pub(super) fn refresh(router: &Router<'_>, findings: &mut Findings<'_>) {
    let again = |member: &&Member<'_>| !member.instance.announce.refresh.is_zero();
    let (some, none): (Vec<&Member<'_>>, Vec<&Member<'_>>) = router.members.iter().partition(again);
    let (Some(one), Some(other)) = (some.first(), none.first()) else {
        return;
    };
    let pair = [**one, **other];
    let (here, there) = (
        findings.node(one).to_owned(),
        findings.node(other).to_owned(),
    );
    findings.add(
        Warning,
        "refresh-differs",
        &pair,
        [
            format!(
                "{here} announces the addresses of `{}` again every {:?}, {there} never does",
                one.instance.name.value,
                one.instance.announce.refresh
            ),
            format!(
                "who misses the announcement when {there} becomes master goes on sending to the old one for as long as \
                its own cache lasts"
            ),
            "set `garp_master_refresh` (or `vrrp_garp_master_refresh`) on all nodes, or on none".to_owned(),
        ],
    );
}
