//! What world is walked through.

use vrrp_fsm::proto::Version;

/// One router of the small world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its priority: 64, 128, 192 (skew times that are whole ticks), or 255 for the owner.
    pub priority: u8,
    /// Its priority while something tracked has failed; the same for none of that.
    pub weighed: u8,
    /// Takes over from a live router of lower priority.
    pub preempts: bool,
}

impl Member {
    /// One that preempts and tracks nothing.
    #[must_use]
    pub const fn new(priority: u8) -> Self {
        Self {
            priority,
            weighed: priority,
            preempts: true,
        }
    }

    /// Sets [`weighed`](Self::weighed).
    #[must_use]
    pub const fn or(mut self, weighed: u8) -> Self {
        self.weighed = weighed;
        self
    }

    /// Does not preempt.
    #[must_use]
    pub const fn patient(mut self) -> Self {
        self.preempts = false;
        self
    }
}

/// How often each kind of trouble may happen, at any time and in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Frames lost.
    pub losses: u8,
    /// Frames that arrive twice.
    pub doubles: u8,
    /// Routers that vanish without a word. They may start again.
    pub crashes: u8,
    /// Routers that are stopped in good order. They may start again.
    pub stops: u8,
    /// Changes of priority.
    pub weights: u8,
    /// Processes that are stopped and go on later.
    pub stalls: u8,
}

/// A mistake of whoever runs the machine, planted to see that the rules are not blind. Mistakes in the machine
/// itself are planted by `cargo run -p keepalived-explore --example mutants`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Two Active routers of one priority do not hear each other: there is no tie-break.
    NoTieBreak,
    /// A process that wakes looks at its timers before it reads its socket.
    TimersFirst,
    /// A process that has been stopped throws away every packet from then on.
    DeafAfterStall,
    /// The addresses stay when they should go.
    KeepsAddresses,
    /// Releases get lost, all of them.
    NoRelease,
    /// The clock of one router runs fast: its down timer is a tick short.
    FastClock,
    /// Two routers have the same address, so that equal priorities stay equal.
    SameAddress,
}

/// A world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version all routers speak.
    pub version: Version,
    /// The routers; a later one has the higher address.
    pub members: Vec<Member>,
    /// What may go wrong.
    pub budget: Budget,
    /// The longest stall, in ticks.
    pub longest_stall: u8,
    /// A planted mistake.
    pub planted: Option<Planted>,
}

impl Plan {
    /// A world of VRRPv3 routers in which nothing goes wrong but that routers start at different times and
    /// frames overtake each other.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        Self {
            version: Version::V3,
            members: members.into_iter().collect(),
            budget: Budget::default(),
            longest_stall: 6,
            planted: None,
        }
    }

    /// Sets [`budget`](Self::budget).
    #[must_use]
    pub const fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets [`version`](Self::version).
    #[must_use]
    pub const fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sets [`longest_stall`](Self::longest_stall).
    #[must_use]
    pub const fn with_longest_stall(mut self, ticks: u8) -> Self {
        self.longest_stall = ticks;
        self
    }

    /// Sets [`planted`](Self::planted).
    #[must_use]
    pub const fn with_planted(mut self, planted: Planted) -> Self {
        self.planted = Some(planted);
        self
    }
}
