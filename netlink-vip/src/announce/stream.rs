//! The announcements of one owner in one lane: what is left of the burst under way, and what is
//! planned after it.

use core::time::Duration;
use std::net::IpAddr;

use sans_io_time::Instant;

use super::{AnnouncePolicy, ArpTarget, Burst, FRAME_MAX, Family, Target};
use crate::arp::ArpFrame;
use crate::ndisc::NdFrame;
use crate::timing::after;

/// Starts for other reasons than promotion are at least this far apart.
const RESTART_SPACING: Duration = Duration::from_secs(1);

/// The announcements of one owner in one lane.
#[derive(Debug)]
pub(super) struct Stream {
    targets: Vec<Target>,
    arp_target: ArpTarget,
    reply_too: bool,
    /// Shortest time to the next frame in the lane.
    pub(super) spacing: Duration,
    /// Walks over all targets left in the burst under way.
    pub(super) walks: u16,
    /// The target whose turn it is.
    at: usize,
    /// The request form has gone, the reply form is next.
    reply_next: bool,
    last_start: Option<Instant>,
    /// Starts that came too soon, as one.
    restart: Option<(Instant, Bursts)>,
    second: Option<(Instant, u16)>,
    refresh: Option<Refresh>,
    /// The timer that is set for the earliest plan.
    pub(super) timer: Option<Instant>,
    /// It stands in the queue of its lane.
    pub(super) queued: bool,
}

/// First burst and second.
#[derive(Clone, Copy, Debug)]
struct Bursts {
    repeat: u16,
    delay: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Refresh {
    at: Instant,
    every: Duration,
    repeat: u16,
}

impl Refresh {
    fn first(now: Instant, policy: &AnnouncePolicy) -> Option<Self> {
        (!policy.refresh.is_zero()).then(|| Self {
            at: after(now, policy.refresh),
            every: policy.refresh,
            repeat: policy.refresh_repeat,
        })
    }
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            targets: Vec::new(),
            arp_target: ArpTarget::default(),
            reply_too: false,
            spacing: Duration::ZERO,
            walks: 0,
            at: 0,
            reply_next: false,
            last_start: None,
            restart: None,
            second: None,
            refresh: None,
            timer: None,
            queued: false,
        }
    }

    pub(super) fn configure(
        &mut self,
        family: Family,
        targets: Vec<Target>,
        policy: &AnnouncePolicy,
    ) {
        if self.targets != targets {
            (self.at, self.reply_next) = (0, false);
        }
        self.targets = targets;
        self.shape(family, policy);
    }

    /// How frames look and how far apart they are from now on.
    fn shape(&mut self, family: Family, policy: &AnnouncePolicy) {
        self.arp_target = policy.arp_target;
        self.reply_too = policy.arp_reply_too && family == Family::Arp;
        self.spacing = match family {
            Family::Arp => policy.garp_interval,
            Family::Nd => policy.gna_interval,
        };
    }

    /// ND-03.
    pub(super) fn start(&mut self, now: Instant, kind: Burst, policy: &AnnouncePolicy) {
        let bursts = match kind {
            Burst::Promotion | Burst::Reassert => Bursts {
                repeat: policy.repeat,
                delay: policy.delay,
            },
            Burst::LowerPriority => Bursts {
                repeat: policy.lower_prio_repeat,
                delay: policy.lower_prio_delay,
            },
        };
        self.refresh = Refresh::first(now, policy);
        let earliest = self
            .last_start
            .map_or(now, |last| after(last, RESTART_SPACING));
        if kind == Burst::Promotion || earliest <= now {
            self.begin(now, bursts);
        } else {
            self.restart = Some((earliest, bursts));
        }
    }

    /// Goes on under another policy. Bursts under way or planned keep their length and time, and so
    /// do refreshes that are as often as before.
    pub(super) fn adopt(&mut self, now: Instant, family: Family, policy: &AnnouncePolicy) {
        self.shape(family, policy);
        match &mut self.refresh {
            Some(refresh) if refresh.every == policy.refresh => {
                refresh.repeat = policy.refresh_repeat;
            }
            refresh => *refresh = Refresh::first(now, policy),
        }
    }

    fn begin(&mut self, now: Instant, bursts: Bursts) {
        self.last_start = Some(now);
        self.restart = None;
        self.lengthen(bursts.repeat);
        let second = !bursts.delay.is_zero() && bursts.repeat > 0;
        self.second = second.then(|| (after(now, bursts.delay), bursts.repeat));
    }

    /// A burst under way goes on where it is, so that the last addresses get their turn too.
    fn lengthen(&mut self, repeat: u16) {
        if self.walks == 0 {
            (self.at, self.reply_next) = (0, false);
        }
        self.walks = self.walks.max(repeat);
    }

    pub(super) fn next_plan(&self) -> Option<Instant> {
        let restart = self.restart.map(|(at, _)| at);
        let second = self.second.map(|(at, _)| at);
        let refresh = self.refresh.map(|refresh| refresh.at);
        [restart, second, refresh].into_iter().flatten().min()
    }

    /// What is due: the second burst, the refresh. GARP-02, GARP-03.
    pub(super) fn fire(&mut self, now: Instant) {
        if let Some((_, repeat)) = self.second.take_if(|(at, _)| *at <= now) {
            self.lengthen(repeat);
        }
        if let Some((_, bursts)) = self.restart.take_if(|(at, _)| *at <= now) {
            self.begin(now, bursts);
        }
        if let Some(refresh) = self.refresh.as_mut().filter(|refresh| refresh.at <= now) {
            // No drift; but after a stall one refresh, not all that were missed.
            let next = after(refresh.at, refresh.every);
            refresh.at = if next > now {
                next
            } else {
                after(now, refresh.every)
            };
            let repeat = refresh.repeat;
            self.lengthen(repeat);
        }
    }

    /// Writes the frame whose turn it is and moves on.
    pub(super) fn write_next(&mut self, out: &mut [u8; FRAME_MAX]) -> Option<usize> {
        let Some(target) = self.targets.get(self.at) else {
            (self.walks, self.at) = (0, 0);
            return None;
        };
        let written = match target.address {
            IpAddr::V4(address) => {
                let form = if self.reply_next {
                    ArpFrame::announcement_reply
                } else {
                    ArpFrame::announcement
                };
                form(target.mac, address, self.arp_target).emit(out)
            }
            IpAddr::V6(address) => {
                let source = target.source.unwrap_or(address);
                NdFrame::announcement(target.mac, address, source, target.router).emit(out)
            }
        };
        self.reply_next = self.reply_too && !self.reply_next;
        if !self.reply_next {
            self.at = self.at.saturating_add(1);
            if self.at >= self.targets.len() {
                self.at = 0;
                self.walks = self.walks.saturating_sub(1);
            }
        }
        written.ok()
    }
}
