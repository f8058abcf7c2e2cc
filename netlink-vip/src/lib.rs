#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod announce;
pub mod arp;
pub mod conflict;
mod desired;
mod encode;
mod error;
mod ethernet;
pub mod ethtool;
mod event;
mod firewall;
mod link;
mod link_keeper;
mod link_wanted;
mod name;
pub mod ndisc;
mod neighbour;
pub mod nftables;
mod object;
mod observed;
mod plan;
mod reconcile;
mod route;
mod rule;
mod setting;
mod timing;

pub use announce::{AnnouncePolicy, Announcer, ArpTarget, Burst, FRAME_MAX, Frame, Pace, Target};
pub use desired::{Desired, OwnerId, Tag, Vip, VipFlags};
pub use error::{ArpError, NameError, NdError, SendError};
pub use ethernet::Ethernet;
pub use event::KernelEvent;
pub use firewall::{Firewall, FirewallVmac, Refused};
pub use link::{Link, LinkFlags};
pub use link_keeper::{LinkEvent, LinkKeeper};
pub use link_wanted::{IpvlanFlag, LinkKind, WantedLink, virtual_mac};
pub use name::{InterfaceName, NAME_MAX};
pub use neighbour::{NEIGHBOUR_GROUP, Neighbours};
pub use object::Object;
pub use observed::{AddressFlags, FOREVER, Observed, ObservedAddress};
pub use plan::{Change, plan};
pub use reconcile::{BATCH_MAX, Channel, Counters, Missing, ROUTE_GROUPS, Reconciler};
pub use route::{
    Encap, Hop, Metric, Metrics, ObservedRoute, Placement, Prefix, Route, RouteKind, TABLE_MAIN,
};
pub use rule::{ObservedRule, Rule, RuleAction};
pub use sans_io_time::Instant;
pub use setting::{Setting, SettingPlace};
