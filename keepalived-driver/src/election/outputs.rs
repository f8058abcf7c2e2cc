//! Carrying out what the state machines ask for: adverts, then addresses, then announcements.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use netlink_vip::{Burst, Desired, FRAME_MAX, Target, Vip};
use sans_io_time::Instant;
use vrrp_fsm::{Action, Announce, InstanceId, Notice, State, Transmit, Transport};

use super::Elections;
use super::interfaces::PathKey;
use super::present::present_addresses;
use crate::report::Report;
use crate::sockets::vrrp::Datagram;
use crate::sources::Source;

/// Announcement frames sent in one turn; the others follow in the next, after adverts that have
/// fallen due.
const FRAMES_PER_TURN: usize = 128;

/// Adverts of one turn, by socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    by_path: BTreeMap<PathKey, Vec<Letter>>,
    letters: usize,
}

/// Adverts that wait for company. When more routers speak in one turn (a thousand taking over at
/// once), the first are sent before the last have been asked.
const OUTBOX: usize = 64;

#[derive(Debug)]
enum Letter {
    /// The datagrams kept with the instance.
    Advert(InstanceId),
    /// Its last word.
    Release(Vec<Datagram>),
}

impl Elections {
    /// Everything that waits to be sent or set, within the limits of one turn.
    pub(super) fn carry_out(&mut self, now: Instant) {
        self.carry_out_actions(now);
        self.send_adverts();
        self.send_bfd(now);
        self.retire();
        if self.send_request(now) {
            // The kernel answers before the call returns: what it says need not wait for a turn.
            let _ = self.read_netlink(now, Source::NetlinkCommand);
            self.take_news(now);
        }
        self.settle_devices(now);
        self.send_frames(now);
    }

    /// In the order of the machine, adverts before announcements: VRRP-EXT-14.
    fn carry_out_actions(&mut self, now: Instant) {
        while let Some((id, action)) = self.router.poll_action() {
            if self.outbox.letters >= OUTBOX {
                self.send_adverts();
            }
            match action {
                Action::Transmit(transmit) => self.post(now, id, transmit),
                Action::InstallAddresses => self.install(now, id),
                Action::RemoveAddresses => self.remove(now, id),
                Action::Announce(announce) => {
                    let burst = match announce {
                        Announce::Promotion => Burst::Promotion,
                        Announce::LowerPriority => Burst::LowerPriority,
                        Announce::Reassert => Burst::Reassert,
                    };
                    if let Some(running) = self.instances.get_mut(&id) {
                        running.announce = Some(burst);
                    }
                    self.start_announcing(now, id);
                }
                Action::Transition { from, to, reason } => {
                    self.conflicts.stale = true;
                    let at = self.clock.wall();
                    let Some(running) = self.instances.get_mut(&id) else {
                        continue;
                    };
                    let told = running.last_transition.is_none()
                        && running.first_state == Some(to)
                        && to == State::Backup;
                    let was_faulted = from == State::Initialize
                        && (running.last_transition.is_some()
                            || running.first_state == Some(State::Initialize));
                    running.note_transition(at, reason);
                    if was_faulted && to == State::Backup {
                        self.announce_source(now, id);
                    }
                    if told {
                        continue;
                    }
                    let faults = self.faults_of(id);
                    if let Some(instance) = self.label(id) {
                        self.reports.push(Report::Transition {
                            instance,
                            from,
                            to,
                            faults,
                            reason,
                            at,
                        });
                    }
                }
                Action::GroupTransition(transition) => self.group_changed(transition),
                // Facts are reported where they are found, with their details.
                Action::Notice(Notice::FaultsChanged { .. }) => {}
                Action::Notice(Notice::PriorityChanged { from, .. }) => {
                    let state = self
                        .router
                        .instance(id)
                        .map_or(State::Initialize, vrrp_fsm::Instance::state);
                    if let Some(instance) = self.label(id) {
                        self.reports.push(Report::PriorityChanged {
                            instance,
                            from: from.get(),
                            state,
                        });
                    }
                }
                Action::Notice(notice) => {
                    if let Some(instance) = self.label(id) {
                        self.reports.push(Report::Notice { instance, notice });
                    }
                }
                _ => {}
            }
        }
    }

    /// Put an advert, as it is now, into the outbox.
    fn post(&mut self, now: Instant, id: InstanceId, transmit: Transmit) {
        let with = self.router.authenticate(now, id, transmit);
        let Some(running) = self.instances.get_mut(&id) else {
            return;
        };
        let Some(instance) = self.router.instance(id) else {
            return;
        };
        let encoded = match transmit {
            Transmit::Advert => running.advert(instance, with).map(|_| Letter::Advert(id)),
            Transmit::Release => running.release(instance, with).map(Letter::Release),
        };
        let key = (running.outward, running.setup.fsm.family);
        match encoded {
            Ok(letter) => {
                self.outbox.by_path.entry(key).or_default().push(letter);
                self.outbox.letters += 1;
            }
            Err(error) => self.reports.push(Report::Trouble {
                message: format!(
                    "({}) the advert cannot be encoded: {error}",
                    running.setup.name
                ),
            }),
        }
    }

    fn send_adverts(&mut self) {
        let Self {
            outbox,
            instances,
            paths,
            devices,
            turns,
            reports,
            ..
        } = self;
        outbox.letters = 0;
        for (key, letters) in &mut outbox.by_path {
            let mut datagrams: Vec<&Datagram> = Vec::with_capacity(letters.len());
            for letter in letters.iter() {
                match letter {
                    Letter::Advert(id) => {
                        datagrams.extend(instances.get(id).iter().flat_map(|r| r.encoded()));
                    }
                    Letter::Release(release) => datagrams.extend(release),
                }
            }
            let sender = devices.senders.get(key).map(|sender| &sender.socket);
            let path = || paths.get(key).and_then(|path| path.socket.as_ref());
            let Some(socket) = sender.or_else(path) else {
                turns.send_errors += u64::try_from(datagrams.len()).unwrap_or(u64::MAX);
                letters.clear();
                continue;
            };
            let mut first_error = None;
            let sent = socket.send(&datagrams, |position, error| {
                turns.send_errors += 1;
                let destination = datagrams.get(position).map(|datagram| datagram.destination);
                first_error.get_or_insert((destination, error));
            });
            turns.packets_sent += u64::try_from(sent).unwrap_or(u64::MAX);
            if let Some((Some(destination), error)) = first_error
                // One word per quarter of a million at most is enough for a broken route.
                && turns.send_errors.is_power_of_two()
            {
                reports.push(Report::Trouble {
                    message: format!(
                        "sending adverts to {destination} failed ({} times so far): {error}",
                        turns.send_errors
                    ),
                });
            }
            drop(datagrams);
            letters.clear();
        }
    }

    pub(super) fn install(&mut self, now: Instant, id: InstanceId) {
        if let Some(running) = self.instances.get(&id) {
            self.reconciler
                .set(now, running.owner, running.setup.desired());
        }
    }

    /// What the kernel no longer has it neither answers for nor accepts: VRRP-HOST-01, VRRP-HOST-02, VRRP-HOST-04,
    /// ARP-07, ND-06.
    fn remove(&mut self, now: Instant, id: InstanceId) {
        let keep = self.shutdown.is_some() && self.config.keep_addresses;
        let Some(running) = self.instances.get_mut(&id) else {
            return;
        };
        running.announce = None;
        running.refused.clear();
        self.announcer.stop(running.owner);
        if let Some(owner) = running.extra_owner {
            self.announcer.stop(owner);
        }
        if !keep {
            self.reconciler.set(now, running.owner, Desired::default());
        }
    }

    /// Start the announcement that waits, if the kernel has the addresses, or all but those it
    /// refuses. If it has not, the news that it has will come here again. True: it still waits.
    /// VRRP-HOST-10.
    pub(super) fn start_announcing(&mut self, now: Instant, id: InstanceId) -> bool {
        let Some(running) = self.instances.get_mut(&id) else {
            return false;
        };
        let Some(burst) = running.announce else {
            return false;
        };
        let refused = &running.refused;
        let complete = self.reconciler.is_installed(running.owner);
        if !complete && refused.is_empty() {
            return true;
        }
        let held: Vec<&Vip> = if complete {
            running.setup.addresses.iter().collect()
        } else {
            let present = present_addresses(&self.reconciler);
            let wanted = &running.setup.addresses;
            let is_refused = |vip: &Vip| refused.iter().any(|o| o.address() == Some(vip.address));
            let mut rest = wanted.iter().filter(|vip| !is_refused(vip));
            if !rest.clone().all(|vip| present.holds(vip)) {
                return true;
            }
            rest.by_ref().collect()
        };
        let targets: Vec<Target> = held
            .into_iter()
            .filter_map(|vip| {
                let link = self.reconciler.link(vip.device.as_str())?;
                Target::new(link, vip.address, None, true)
            })
            .collect();
        running.announce = None;
        let policy = &running.setup.announce;
        self.announcer
            .start(now, running.owner, burst, &targets, policy);
        self.announce_elsewhere(now, id);
        false
    }

    /// Periodic announcements of addresses on other interfaces than the instance's own (GARP-08).
    /// KA-O-06.
    pub(super) fn announce_elsewhere(&mut self, now: Instant, id: InstanceId) {
        let Some(running) = self.instances.get(&id) else {
            return;
        };
        let setup = &running.setup;
        let Some(owner) = running.extra_owner else {
            return;
        };
        let Some(extra) = setup.extra_announce else {
            // A reload may have put an end to them.
            self.announcer.stop(owner);
            return;
        };
        let own = setup.vmac.as_ref().map(|vmac| vmac.link.name);
        let elsewhere = |vip: &&Vip| {
            let ours = setup.extra_links.iter().any(|link| link.name == vip.device);
            Some(vip.device) != own && vip.device != setup.interface && (extra.all || ours)
        };
        let targets: Vec<Target> = setup
            .addresses
            .iter()
            .filter(elsewhere)
            .filter_map(|vip| {
                let link = self.reconciler.link(vip.device.as_str())?;
                Target::new(link, vip.address, None, true)
            })
            .collect();
        let mut policy = setup.announce.clone();
        // The burst has gone already.
        (policy.repeat, policy.delay) = (0, Duration::ZERO);
        (policy.refresh, policy.refresh_repeat) = (extra.every, 1);
        self.announcer
            .start(now, owner, Burst::Promotion, &targets, &policy);
    }

    /// KA-F-04: peers of a unicast instance may have forgotten, or mistaken, where its own address
    /// is while it was cut off; they would send their adverts nowhere.
    fn announce_source(&mut self, now: Instant, id: InstanceId) {
        let Some(running) = self.instances.get(&id) else {
            return;
        };
        if !matches!(running.setup.fsm.transport, Transport::Unicast { .. }) {
            return;
        }
        let target = self
            .reconciler
            .link(running.setup.interface.as_str())
            .zip(running.source)
            .and_then(|(link, source)| Target::new(link, source, None, false));
        let mut policy = running.setup.announce.clone();
        policy.repeat = 1;
        policy.delay = Duration::ZERO;
        policy.refresh = Duration::ZERO;
        self.announcer.start(
            now,
            running.owner,
            Burst::Promotion,
            target.as_slice(),
            &policy,
        );
    }

    /// One netlink batch. What is left waits for the next turn, so that thousands of addresses do
    /// not hold back one advert.
    fn send_request(&mut self, now: Instant) -> bool {
        self.request.clear();
        if !self.reconciler.poll_request(now, &mut self.request) {
            return false;
        }
        self.turns.netlink_requests += 1;
        if let Err(error) = self.command.send(&self.request) {
            self.reports.push(Report::Trouble {
                message: format!("sending to netlink failed: {error}"),
            });
            // Nobody knows what of it arrived: ask.
            self.reconciler.handle_overrun(now);
        }
        // There may be more to send: come back without sleeping.
        self.ready.insert(Source::NetlinkCommand);
        true
    }

    fn send_frames(&mut self, now: Instant) {
        let mut frame_buffer = [0; FRAME_MAX];
        for _ in 0..FRAMES_PER_TURN {
            let Some(frame) = self.announcer.poll_frame(now, &mut frame_buffer) else {
                return;
            };
            let Some(link) = self.reconciler.link_by_index(frame.index) else {
                continue;
            };
            let octets = frame_buffer.get(..frame.len).unwrap_or_default();
            match self.frames.send(frame.index, link.name.as_str(), octets) {
                Ok(()) => {
                    self.turns.frames_sent += 1;
                    if self.config.report_announcements
                        && let Some(address) = announced(octets)
                    {
                        let interface = link.name.to_string();
                        self.reports.push(Report::Announced { interface, address });
                    }
                }
                Err(error) => {
                    self.turns.frame_errors += 1;
                    if self.turns.frame_errors.is_power_of_two() {
                        self.reports.push(Report::Trouble {
                            message: format!(
                                "announcing on {} failed ({} times so far): {error}",
                                link.name, self.turns.frame_errors
                            ),
                        });
                    }
                }
            }
        }
        // More may wait: come back without sleeping.
        self.ready.insert(Source::Timer);
    }

    /// Forget instances that a reload removed and that have said their last word.
    fn retire(&mut self) {
        let Self {
            leaving,
            router,
            instances,
            owners,
            devices,
            ..
        } = self;
        leaving.retain(|id| {
            let gone = router.instance(*id).is_none();
            if gone && let Some(running) = instances.remove(id) {
                owners.remove(&running.owner);
                devices.stale = true;
            }
            !gone
        });
    }
}

/// The address that a frame of ours announces: the sender of an ARP packet (RFC 826) or the target of
/// a neighbour advertisement (RFC 4861 4.4).
fn announced(frame: &[u8]) -> Option<IpAddr> {
    const TYPE: std::ops::Range<usize> = 12..14;
    match frame.get(TYPE)? {
        [0x08, 0x06] => {
            let octets: [u8; 4] = frame.get(28..32)?.try_into().ok()?;
            Some(octets.into())
        }
        [0x86, 0xdd] => {
            let octets: [u8; 16] = frame.get(62..78)?.try_into().ok()?;
            Some(octets.into())
        }
        _ => None,
    }
}
