//! The device of an instance, and whether its addresses accept traffic.

use std::net::IpAddr;

use vrrp_proto::{Family, Priority, Version};

use super::Draft;
use crate::model::device::{Device, DeviceKind};
use crate::model::instance::Transport;

impl Draft<'_> {
    /// An instance without interface runs in its VRF (IF-06).
    pub(super) fn vrf(&mut self) {
        let Some(vrf) = self.raw.device.vrf.clone() else {
            return;
        };
        if self.raw.interface.is_some() {
            self.warning(
                "vrf-of-interface",
                vrf.span,
                "`vrf` does nothing with `interface`",
            )
            .help("an instance on an interface is in the VRF of that interface");
            self.raw.device.vrf = None;
        } else {
            self.raw.interface = Some(vrf);
        }
    }

    /// VMAC-01 to VMAC-06, VMAC-09.
    pub(super) fn device(&mut self, family: Family, transport: &Transport) -> Option<Device> {
        let xmit_base = self.raw.device.xmit_base;
        let vrid = self.raw.vrid.map_or(0, |vrid| vrid.value.get());
        let mut vmac = self.raw.device.vmac.take();
        let ipvlan = self.raw.device.ipvlan.take();
        if let (Some(vmac), Some(ipvlan)) = (&vmac, &ipvlan) {
            let first = vmac.span;
            self.error(
                "two-devices",
                ipvlan.span,
                "`use_ipvlan` and `use_vmac` exclude each other",
            )
            .help("`use_vmac` counts")
            .note(first, "it is here");
        }
        if let Some(vmac) = &mut vmac
            && let DeviceKind::Vmac { mac } = &mut vmac.kind
        {
            if let (Some(mac), true) = (mac.as_mut(), vmac.short_mac) {
                mac[5] = vrid;
            }
            if self.strict && mac.is_some() {
                *mac = None;
                self.warning(
                    "corrected",
                    vmac.span,
                    "strict mode: the MAC address is that of the RFC",
                )
                .help("remove the address or strict mode");
            }
        }
        let Some(raw) = vmac.or(ipvlan) else {
            if let Some(span) = xmit_base {
                self.warning(
                    "xmit-base",
                    span,
                    "`vmac_xmit_base` does nothing without `use_vmac`",
                )
                .help("the line is left out");
            }
            return None;
        };
        let mut sends_below = xmit_base.is_some();
        if let Some(span) = xmit_base.filter(|_| self.strict) {
            self.warning(
                "corrected",
                span,
                "strict mode: adverts leave with the virtual MAC address",
            )
            .help("the line does nothing; remove it or strict mode");
            sends_below = false;
        }
        if matches!(transport, Transport::Unicast { .. }) && !sends_below {
            self.warning(
                "corrected",
                raw.span,
                "unicast adverts leave by the interface itself",
            )
            .help("add `vmac_xmit_base`");
            sends_below = true;
        }
        if let DeviceKind::Ipvlan { address, .. } = raw.kind {
            let own = address.map(|(address, _)| address);
            self.ipvlan_source(own, family, raw.span);
        }
        Some(Device {
            kind: raw.kind,
            name: raw.name,
            group: raw.group,
            xmit_base: sends_below,
            span: raw.span,
        })
    }

    fn ipvlan_source(&mut self, own: Option<IpAddr>, family: Family, span: crate::tree::Span) {
        if own.is_some_and(|own| Family::of(own) != family) {
            self.error("mixed-families", span, "the address is of another family")
                .help("give the ipvlan an address of the family of the instance");
        } else if own.is_none() && family == Family::Ipv4 {
            self.warning(
                "no-source",
                span,
                "`use_ipvlan` without address has no source of its own",
            )
            .help("adverts carry the address of the interface; add an address");
        }
    }

    /// Whether traffic to its addresses is dropped: as asked, or in strict mode, and never for the
    /// owner (RFC 9568 6.1, Accept_Mode). KA-O-03, VRRP-HOST-08.
    pub(super) fn refuses_traffic(&mut self, priority: Priority, version: Version) -> bool {
        let (no_accept, accept) = (self.raw.device.no_accept, self.raw.accept);
        if let (Some(no), Some(yes)) = (no_accept, accept) {
            self.warning(
                "accept-twice",
                no,
                "`accept` and `no_accept` exclude each other",
            )
            .help("`no_accept` counts")
            .note(yes, "`accept` is here");
        }
        // Strict mode takes `accept` in version 3 only.
        let strict = self.strict && (accept.is_none() || version == Version::V2);
        priority != Priority::OWNER && (no_accept.is_some() || strict)
    }
}
