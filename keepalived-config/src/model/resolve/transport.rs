//! Multicast or unicast, and to whom.

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_proto::Family;

use super::Draft;
use crate::model::instance::{HoldReason, Peer, Transport};
use crate::tree::Span;

impl Draft<'_> {
    /// VRRP-EXT-02 to VRRP-EXT-05, VRRP-EXT-08.
    pub(super) fn transport(&mut self, family: Family) -> Transport {
        let group = match family {
            Family::Ipv4 => IpAddr::V4(self.global.mcast_group4),
            Family::Ipv6 => IpAddr::V6(self.global.mcast_group6),
        };
        let own_group = self
            .raw
            .group
            .filter(|group| Family::of(group.value) == family);
        let multicast = Transport::Multicast {
            group: own_group.map_or(group, |own| own.value),
        };
        let Some(unicast) = self.raw.unicast else {
            if let Some(ttl) = self.raw.unicast_ttl {
                self.error(
                    "unicast-ttl",
                    ttl.span,
                    "`unicast_ttl` needs `unicast_peer`",
                )
                .help("multicast is always sent with 255");
            }
            return multicast;
        };
        let peers = self.peers();
        if peers.is_empty() {
            if !self.no_peer(unicast) {
                return multicast;
            }
        } else if let Some(own) = own_group {
            self.error(
                "group-of-unicast",
                own.span,
                "`mcast_dst_ip` does nothing with unicast",
            )
            .help("the line is left out");
        }
        if self.strict {
            self.warning(
                "strict-unicast",
                unicast,
                "strict mode: the RFC has no unicast, and newer releases of Keepalived refuse it",
            )
            .help("remove the peers or strict mode");
        }
        let bounded = peers
            .iter()
            .any(|peer| peer.min_ttl.is_some() || peer.max_ttl.is_some());
        let asked = self
            .raw
            .check_unicast_src
            .unwrap_or(self.global.check_unicast_src);
        Transport::Unicast {
            peers,
            ttl: self
                .raw
                .unicast_ttl
                .map_or(vrrp_proto::HOP_LIMIT, |ttl| ttl.value),
            check_source: asked || bounded,
        }
    }

    /// The peers, without the instance's own address (VRRP-EXT-04) and without repetitions.
    fn peers(&mut self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = Vec::new();
        let mut seen: HashMap<IpAddr, Span> = HashMap::new();
        let own = self.raw.source.map(|source| source.value);
        for peer in std::mem::take(&mut self.raw.peers) {
            if Some(peer.address) == own {
                let message = format!("`{}` is its own address, not a peer", peer.address);
                let source = self.raw.source.map(|source| source.span);
                self.error("own-address", peer.span, message)
                    .help("list the other members only; the entry is left out")
                    .note(source, "its own address is given here");
            } else if let Some(first) = seen.insert(peer.address, peer.span) {
                let message = format!("`{}` is listed twice", peer.address);
                self.warning("duplicate-peer", peer.span, message)
                    .help("the first one counts")
                    .note(first, "the other one is here");
            } else {
                peers.push(peer);
            }
        }
        peers
    }

    /// Says that there is no peer; answers whether the instance has to be held for it.
    ///
    /// A list of peers never turns into multicast, neither one that is empty (as a template makes it
    /// that found no members) nor one of peers that cannot be used: nobody meant that. Only a source
    /// address without any list does, as in Keepalived.
    fn no_peer(&mut self, unicast: Span) -> bool {
        let held = self.raw.fault_no_peer || self.raw.peer_block.is_some();
        let message = match self.raw.listed_peers {
            0 => "unicast is asked for, but there is no peer",
            _ => "unicast is asked for, but no peer can be used",
        };
        if held {
            self.hold(HoldReason::NoPeer, unicast);
        }
        if self.raw.fault_no_peer && self.raw.listed_peers == 0 {
            // What was asked for; Keepalived says nothing either.
            self.warning("no-peer-fault", unicast, message)
                .help("`unicast_fault_no_peer` keeps the instance in FAULT");
        } else if held {
            self.error("no-peer", unicast, message)
                .help("the instance stays in FAULT rather than turn to multicast");
        } else {
            self.error("no-peer", unicast, message).help(
                "the instance turns to multicast, as in Keepalived; list the other members in \
                 `unicast_peer`, or use `mcast_src_ip`, or keep it in FAULT with \
                 `unicast_fault_no_peer`",
            );
        }
        held
    }

    pub(super) fn source_tracking(&mut self) {
        if let (Some(span), None) = (self.raw.track_source, self.raw.source) {
            self.warning(
                "no-source",
                span,
                "`track_src_ip` does nothing without a source address",
            )
            .help("add `mcast_src_ip` or `unicast_src_ip`");
        }
    }
}
