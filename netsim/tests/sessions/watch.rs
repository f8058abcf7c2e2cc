//! Looks on at two boxes with one session, and objects.

use std::collections::VecDeque;
use std::sync::Arc;

use bfd::{Reason, State};
use netsim::bfd::{BfdFrame, BfdNode, BfdNote};
use netsim::{Fault, Instant, Net, NodeId, Observer, Record, Violation};

use super::Figures;
use super::wire::Facts;

/// A packet that was sent.
#[derive(Clone, Debug)]
struct Sent {
    frame: Arc<[u8]>,
    number: u64,
    at: i64,
}

/// The last packet of the other side that was taken.
#[derive(Copy, Clone, Debug)]
struct Heard {
    facts: Facts,
    number: u64,
    sent: i64,
    at: i64,
}

#[derive(Debug, Default)]
struct Side {
    up: bool,
    stalled: bool,
    sent: u64,
    travelling: VecDeque<Sent>,
    last: Option<Facts>,
    /// What it says was new then.
    content_since: i64,
    /// The intervals it offers have not been acknowledged: others may be in force.
    open: bool,
    /// A poll sequence is under way: P was sent, and F was not heard since.
    polling: bool,
    /// It has asked for that, in a poll sequence that never said anything else.
    asked: bool,
    /// A poll sequence that began with another offer has not been answered: an answer may be one
    /// to that.
    stale: bool,
    /// The longest interval that the other side is known to know of.
    agreed: i64,
    /// The last packet that was no answer and what was `agreed` then, unless something has happened
    /// since.
    paced: Option<(i64, i64)>,
    /// When it last was something else than Up and at work.
    unsteady: i64,
    /// The last packet that was no answer, for the gap to the next one.
    periodic: Option<(i64, i64)>,
    heard: Option<Heard>,
    /// Delivered in this turn, and not refused so far.
    arriving: VecDeque<(Arc<[u8]>, Heard)>,
    /// Packets of the other side that were lost.
    lost: Vec<u64>,
    /// It got the processor back after this.
    woke: i64,
    /// The last time it left Up.
    left_up: i64,
}

impl Side {
    /// The packet of this side that is the frame.
    fn find(&self, frame: &BfdFrame) -> Option<&Sent> {
        let mut sent = self.travelling.iter().rev();
        sent.find(|sent| Arc::ptr_eq(&sent.frame, &frame.0))
    }
}

/// The observer. Two nodes, each the neighbour of the other.
#[derive(Debug)]
pub struct Watch {
    sides: [Side; 2],
    /// Largest delay minus smallest delay, and packets keep their order.
    pub even: bool,
    pub in_order: bool,
    pub figures: Figures,
}

const QUARTERS: i64 = 3;

impl Watch {
    pub fn new() -> Self {
        Self {
            sides: [Side::default(), Side::default()],
            even: true,
            in_order: true,
            figures: Figures::default(),
        }
    }

    /// When this side last left Up.
    pub fn left_up(&self, side: usize) -> i64 {
        self.sides[side].left_up
    }

    /// The facts both last said and heard: the detection time of one side by the RFC.
    pub fn detection(&self, side: usize) -> Option<i64> {
        let side = &self.sides[side];
        Some(side.heard?.facts.detection(side.last.as_ref()?))
    }

    fn sends(&mut self, now: i64, from: usize, frame: &BfdFrame) -> Result<(), String> {
        self.figures.packets += 1;
        self.settled(from);
        let side = &mut self.sides[from];
        let facts = Facts::read(&frame.0).ok_or("a packet that cannot be read")?;
        side.sent += 1;
        side.travelling.push_back(Sent {
            frame: Arc::clone(&frame.0),
            number: side.sent,
            at: now,
        });
        if side.travelling.len() > 512 {
            side.travelling.pop_front();
        }
        if facts.poll && facts.last {
            return Err("BFD-TX-10: poll and final in one packet".to_owned());
        }
        if !facts.up && facts.desired_min_tx < 1_000_000_000 {
            return Err(format!("BFD-TX-04: {facts:?}"));
        }
        let news = side.last.map(Facts::content) != Some(facts.content());
        let poll_before = side.last.is_some_and(|last| last.poll);
        if news {
            side.content_since = now;
            side.unsteady = now;
        }
        let agreed = side.agreed;
        let offer = |facts: Facts| (facts.desired_min_tx, facts.required_min_rx);
        if side.last.map(offer) != Some(offer(facts)) {
            (side.open, side.asked) = (true, false);
            side.stale |= side.polling;
            // 6.8.3: a shorter interval is for now, a longer one for when the other side knows it.
            side.agreed = match facts.up {
                true => side.agreed.min(facts.desired_min_tx),
                false => facts.desired_min_tx,
            };
        }
        side.polling |= facts.poll;
        side.asked |= facts.poll && !side.stale;
        if facts.poll && !poll_before {
            self.figures.polls += 1;
        }
        side.last = Some(facts);
        if facts.last {
            return Ok(());
        }
        let Some(heard) = side.heard else {
            return Ok(());
        };
        // The longest of what held at both ends and in between.
        let (then, at_first) = side.paced.replace((now, side.agreed)).unwrap_or((now, 0));
        let agreed = agreed.max(at_first).max(side.agreed);
        let patience = agreed.max(heard.facts.required_min_rx);
        let gap = now - then;
        if side.up && gap > patience {
            return Err(format!(
                "BFD-TM-04: a gap of {gap} ns, the other side knows of {patience} ns"
            ));
        }
        let interval = facts.interval(&heard.facts);
        let before = side.periodic.replace((now, interval));
        if facts.poll || poll_before || news || !side.up {
            side.periodic = side.periodic.filter(|_| !facts.poll);
            return Ok(());
        }
        let Some((then, same)) = before else {
            side.unsteady = now;
            return Ok(());
        };
        let gap = now - then;
        if same != interval {
            return Ok(());
        }
        self.figures.gaps += 1;
        let most = if facts.mult == 1 {
            interval * 9 / 10
        } else {
            interval
        };
        if gap + 1 < interval * QUARTERS / 4 || gap > most {
            return Err(format!(
                "BFD-TX-02, BFD-TX-03: a gap of {gap} ns, the interval is {interval} ns, times {}",
                facts.mult
            ));
        }
        Ok(())
    }

    /// The turn of a node is over: what was not refused was taken.
    fn settled(&mut self, node: usize) {
        let side = &mut self.sides[node];
        while let Some((_, heard)) = side.arriving.pop_front() {
            let before = side.heard.replace(heard);
            if heard.facts.last {
                side.open &= !side.asked;
                if let Some(last) = side.last.filter(|_| !side.open) {
                    side.agreed = last.desired_min_tx;
                }
                (side.polling, side.stale) = (false, false);
            }
            side.lost.retain(|number| *number > heard.number);
            if before.map(|b| b.facts.required_min_rx) != Some(heard.facts.required_min_rx) {
                (side.periodic, side.paced) = (None, None);
            }
        }
    }

    fn state(&mut self, now: i64, node: usize, note: &BfdNote) -> Result<(), String> {
        let (transition, detection) = match note {
            BfdNote::State {
                transition,
                detection,
                ..
            } => (transition, detection),
            // These come first in the turn.
            BfdNote::Refused { frame, .. } => {
                let refused = |(other, _): &(Arc<[u8]>, Heard)| Arc::ptr_eq(other, &frame.0);
                self.sides[node].arriving.retain(|one| !refused(one));
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.settled(node);
        let (this, that) = match node {
            0 => (&self.sides[0], &self.sides[1]),
            _ => (&self.sides[1], &self.sides[0]),
        };
        let mut verdict = Ok(());
        if transition.from == State::Up && transition.reason == Reason::DetectionTime {
            self.figures.drops += 1;
            let heard = this.heard.ok_or("down without ever having heard")?;
            let missing = i64::try_from(that.sent - heard.number).unwrap_or(i64::MAX);
            let steady = that.up && !that.stalled && that.unsteady <= heard.sent;
            let mult = heard.facts.mult;
            if steady && self.in_order {
                self.figures.drops_for_loss += 1;
                let (count, what) = match self.even {
                    true => (i64::try_from(this.lost.len()).unwrap_or(i64::MAX), "lost"),
                    false => (missing, "missing"),
                };
                if count < mult {
                    verdict = Err(format!("down with {count} packets {what} of {mult}"));
                }
            }
            let own = this.last.ok_or("down without ever having spoken")?;
            let told = this.content_since < heard.at && !this.open;
            if told && !heard.facts.poll && this.woke < heard.at {
                self.figures.exact_drops += 1;
                let time = heard.facts.detection(&own);
                let silence = now - heard.at;
                if silence != time {
                    verdict = Err(format!(
                        "silence of {silence} ns, the detection time is {time} ns \
                         (it says {detection:?})"
                    ));
                }
            }
        }
        let side = &mut self.sides[node];
        side.up = transition.to == State::Up;
        side.unsteady = now;
        (side.periodic, side.paced) = (None, None);
        if transition.from == State::Up {
            side.left_up = now;
        }
        verdict
    }

    fn fault(&mut self, now: i64, node: NodeId) {
        let side = &mut self.sides[node.0];
        side.unsteady = now;
        side.content_since = now;
        (side.periodic, side.paced) = (None, None);
    }

    fn look(&mut self, now: i64, record: &Record<'_, BfdNode>) -> Result<(), String> {
        match record {
            Record::Sent { from, frame, .. } => return self.sends(now, from.0, frame),
            Record::Lost {
                from, to, frame, ..
            } => {
                let number = self.sides[from.0].find(frame).map(|sent| sent.number);
                self.sides[to.0].lost.extend(number);
            }
            Record::Delivered {
                from, to, frame, ..
            } => {
                let found = self.sides[from.0].find(frame);
                if let (Some(sent), Some(facts)) = (found, Facts::read(&frame.0)) {
                    let heard = Heard {
                        facts,
                        number: sent.number,
                        sent: sent.at,
                        at: now,
                    };
                    self.sides[to.0]
                        .arriving
                        .push_back((Arc::clone(&frame.0), heard));
                }
            }
            Record::Note { node, note } => return self.state(now, node.0, note),
            Record::Settled(node) => self.settled(node.0),
            Record::Woke(node) => {
                self.sides[node.0].woke = now;
                self.sides[node.0].stalled = false;
                self.fault(now, *node);
            }
            Record::Off(node) => {
                let before = std::mem::take(&mut self.sides[node.0]);
                self.sides[node.0] = Side {
                    sent: before.sent,
                    // What is on its way arrives all the same.
                    travelling: before.travelling,
                    unsteady: now,
                    left_up: now,
                    ..Side::default()
                };
            }
            Record::Fault(fault) => match fault {
                Fault::Stall(node, _) => {
                    self.sides[node.0].stalled = true;
                    self.fault(now, *node);
                }
                Fault::Tell(node, _) => self.fault(now, *node),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}

impl Observer<BfdNode> for Watch {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, BfdNode>,
        _: &Net,
    ) -> Result<(), Violation> {
        let time = now.as_nanos();
        self.look(time, record).map_err(|detail| Violation::Broken {
            at: now,
            rule: "session",
            detail,
        })
    }
}
