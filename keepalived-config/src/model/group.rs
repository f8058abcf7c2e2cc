//! Synchronisation groups, resolved.

use super::script::Notify;
use super::spanned::Spanned;
use crate::tree::Span;

/// One `vrrp_sync_group` that has members.
///
/// What it tracks is among the trackers of each of its members (TRK-12).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncGroup {
    /// Name, unique among the groups.
    pub name: Spanned<String>,
    /// Its members, by position in [`Config::instances`](super::Config::instances), in the order of
    /// the file. None is in another group.
    pub members: Vec<usize>,
    /// Commands. There are none for `master_rx_lower_pri` and `deleted`.
    pub notify: Notify,
    /// Trackers with a weight act on members (`sync_group_tracking_weight`).
    pub tracking_weight: bool,
    /// the interfaces that the group itself tracks.
    pub tracked_interfaces: Vec<super::TrackedInterface>,
    /// From the keyword to the name.
    pub span: Span,
}
