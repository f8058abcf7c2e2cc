//! The proof for BFD: two boxes with a session, and routers that are guarded by sessions, on random
//! networks with random histories.

pub mod guarded;
pub mod pair;
pub mod watch;
pub mod wire;

/// What the runs were made of.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub packets: u64,
    pub drops: u64,
    pub drops_for_loss: u64,
    pub exact_drops: u64,
    pub cuts: u64,
    pub gaps: u64,
    pub polls: u64,
    pub takeovers: u64,
    pub clashes: u64,
    pub longest_clash: (i64, u64),
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.drops += other.drops;
        self.drops_for_loss += other.drops_for_loss;
        self.exact_drops += other.exact_drops;
        self.cuts += other.cuts;
        self.gaps += other.gaps;
        self.polls += other.polls;
        self.takeovers += other.takeovers;
        self.clashes += other.clashes;
        self.longest_clash = self.longest_clash.max(other.longest_clash);
    }
}

/// Checks one seed. The error says everything about a failure, replay command first.
pub fn check(seed: u64) -> Result<Figures, String> {
    let mut all = Figures::default();
    let complain = |what: &str, violation: netsim::Violation, story: String| {
        format!(
            "seed {seed} violates {violation}\nreplay: cargo xtask sim --seed {seed} ({what})\n{story}"
        )
    };
    let scenario = pair::Scenario::new(seed);
    let figures = scenario
        .run(0)
        .map_err(|(violation, _)| complain("pair", violation, scenario.story()))?;
    all.add(&figures);
    // A few thousand packets each: every second seed has one.
    if seed % 2 == 1 {
        return Ok(all);
    }
    let scenario = guarded::Scenario::new(seed);
    let figures = scenario
        .run(0)
        .map_err(|(violation, _)| complain("guarded", violation, scenario.story()))?;
    all.add(&figures);
    Ok(all)
}
