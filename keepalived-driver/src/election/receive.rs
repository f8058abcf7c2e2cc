//! Reading adverts, with and without an IP authentication header.

use sans_io_time::Instant;
use vrrp_fsm::{InterfaceId, Rejected, Rx};
use vrrp_proto::{Family, ParseError};

use super::Elections;
use super::interfaces::PathKey;
use crate::report::Report;

/// Batches read from one socket in one turn; what is left waits for the next turn, so that a flood
/// on one socket cannot hold back the deadlines.
pub(super) const BATCHES_PER_TURN: usize = 8;

impl Elections {
    /// True if more may be waiting.
    pub(super) fn read_adverts(&mut self, now: Instant, key: PathKey) -> bool {
        let Some(socket) = self.paths.get(&key).and_then(|path| path.socket.as_ref()) else {
            return false;
        };
        let mut errors = 0;
        for _ in 0..BATCHES_PER_TURN {
            let router = &mut self.router;
            let turns = &mut self.turns;
            let reports = &mut self.reports;
            let malformed = &mut self.malformed;
            let report_unknown = self.config.report_unknown_vrids;
            let name = self.interfaces.name(key.0);
            let result = socket.receive(
                &mut self.receive,
                |ip, message| {
                    turns.packets_received += 1;
                    let rx = Rx {
                        interface: key.0,
                        ip,
                        message,
                    };
                    if let Err(Rejected::UnknownVrid(vrid)) = router.handle_packet(now, rx)
                        && report_unknown
                    {
                        reports.push(Report::UnknownVrid {
                            interface: name.map(ToString::to_string).unwrap_or_default(),
                            vrid,
                            source: ip.source,
                        });
                    }
                },
                |error: ParseError| *malformed.entry(error.name()).or_default() += 1,
            );
            match result {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    // A socket tells once that its link went down and is fine otherwise; packets
                    // may wait behind the error.
                    errors += 1;
                    self.reports.push(Report::Trouble {
                        message: format!("receiving adverts failed: {error}"),
                    });
                    if errors > 1 {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// True if more may be waiting. VRRP-V2-AUTH-05.
    pub(super) fn read_ah(&mut self, now: Instant, interface: InterfaceId) -> bool {
        let key = (interface, Family::Ipv4);
        let Some(socket) = self.paths.get(&key).and_then(|path| path.ah.as_ref()) else {
            return false;
        };
        let mut errors = 0;
        for _ in 0..BATCHES_PER_TURN {
            let (router, turns, malformed) =
                (&mut self.router, &mut self.turns, &mut self.malformed);
            let result = socket.receive_ah(
                &mut self.receive,
                |packet| {
                    turns.packets_received += 1;
                    // Rejections are counted where they are made. Other uses of the header than
                    // VRRP's are none of our business.
                    let _ = router.handle_ah_packet(now, interface, packet);
                },
                |error: ParseError| *malformed.entry(error.name()).or_default() += 1,
            );
            match result {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    // As above: a link that went down is told once.
                    errors += 1;
                    self.reports.push(Report::Trouble {
                        message: format!("receiving authenticated adverts failed: {error}"),
                    });
                    if errors > 1 {
                        return false;
                    }
                }
            }
        }
        true
    }
}
