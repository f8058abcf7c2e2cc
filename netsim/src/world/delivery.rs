//! The way of a frame: from a node, over a path that may lose or damage it, to another one.

use super::{NodeId, Outcome, World};
use crate::node::{Node, To};
use crate::observe::{Observer, Violation};
use crate::queue::{Arrival, What};
use crate::trace::{Lost, Record};

impl<N: Node> World<N> {
    pub(super) fn arrive(
        &mut self,
        to: NodeId,
        arrival: Arrival<N>,
        observer: &mut impl Observer<N>,
    ) -> Outcome {
        let Arrival {
            from, ref frame, ..
        } = arrival;
        let lost = |why| Record::Lost {
            from,
            to,
            frame,
            why,
        };
        if !self.net.is_running(to) {
            return self.record(&lost(Lost::Off), observer);
        }
        if !self.net.hears(from, to) {
            return self.record(&lost(Lost::Cut), observer);
        }
        if let Some(stall) = &self.slots[to.0].stall {
            if stall.frames.len() >= self.budget.stall_queue {
                return self.record(&lost(Lost::QueueFull), observer);
            }
            self.record(&Record::Queued { from, to, frame }, observer)?;
            if let Some(stall) = &mut self.slots[to.0].stall {
                stall.frames.push_back(arrival);
            }
            return Ok(());
        }
        self.deliver(to, &arrival, observer)?;
        self.settle(to, observer)
    }

    pub(super) fn deliver(
        &mut self,
        to: NodeId,
        arrival: &Arrival<N>,
        observer: &mut impl Observer<N>,
    ) -> Outcome {
        let Arrival {
            from,
            ref frame,
            damaged,
        } = *arrival;
        self.record(
            &Record::Delivered {
                from,
                to,
                frame,
                damaged,
            },
            observer,
        )?;
        self.slots[to.0].node.handle_frame(self.now, from, frame);
        Ok(())
    }

    pub(super) fn transmit(
        &mut self,
        from: NodeId,
        to: To,
        frame: &N::Frame,
        observer: &mut impl Observer<N>,
    ) -> Outcome {
        self.record(&Record::Sent { from, to, frame }, observer)?;
        match to {
            To::Node(to) => self.travel(from, to, frame, observer)?,
            To::Everyone => {
                for to in self.net.nodes().filter(|to| *to != from) {
                    self.travel(from, to, frame, observer)?;
                }
            }
        }
        if self.queue.len() > self.budget.pending {
            return Err(Violation::Flood {
                at: self.now,
                pending: self.budget.pending,
            });
        }
        Ok(())
    }

    pub(super) fn travel(
        &mut self,
        from: NodeId,
        to: NodeId,
        frame: &N::Frame,
        observer: &mut impl Observer<N>,
    ) -> Outcome {
        if !self.net.hears(from, to) {
            return self.record(
                &Record::Lost {
                    from,
                    to,
                    frame,
                    why: Lost::Cut,
                },
                observer,
            );
        }
        let path = &mut self.paths[from.0 * self.slots.len() + to.0];
        let link = path.link.as_ref().unwrap_or(&self.link).clone();
        if path.loses(link.loss, &mut self.random) {
            return self.record(
                &Record::Lost {
                    from,
                    to,
                    frame,
                    why: Lost::Chance,
                },
                observer,
            );
        }
        let copies = if self.random.chance(link.duplicate) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let damaged = self.random.chance(link.corrupt);
            let copy = if damaged {
                N::corrupt(frame, &mut self.random)
            } else {
                Some(frame.clone())
            };
            let path = &mut self.paths[from.0 * self.slots.len() + to.0];
            let at = path.arrival(self.now, &link, &mut self.random);
            match copy {
                Some(frame) => {
                    self.push(
                        at,
                        What::Arrival(
                            to,
                            Arrival {
                                from,
                                frame,
                                damaged,
                            },
                        ),
                    );
                }
                None => {
                    self.record(
                        &Record::Lost {
                            from,
                            to,
                            frame,
                            why: Lost::Damaged,
                        },
                        observer,
                    )?;
                }
            }
        }
        Ok(())
    }
}
