//! What a run was made of.

/// What a run was made of.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub seeds: u64,
    pub records: u64,
    pub nanos: i128,
    pub transitions: u64,
    pub adverts: u64,
    pub takeovers: u64,
    pub hand_overs: u64,
    pub clashes: u64,
    pub converged: u64,
    pub host_checks: u64,
    pub tainted: u64,
    /// Largest (takeover - (last advert + 3A + S)), of [`Figures::takeovers`], and the seed.
    pub latest: (i64, u64),
    /// Longest time two Actives that had heard each other went on, and the seed.
    pub longest_clash: (i64, u64),
    /// Outages of hosts: how many, their sum, the longest one and its seed.
    pub outages: u64,
    pub dark: i128,
    pub darkest: (i64, u64),
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.records += other.records;
        self.nanos += other.nanos;
        self.transitions += other.transitions;
        self.adverts += other.adverts;
        self.takeovers += other.takeovers;
        self.hand_overs += other.hand_overs;
        self.clashes += other.clashes;
        self.converged += other.converged;
        self.host_checks += other.host_checks;
        self.tainted += other.tainted;
        self.latest = self.latest.max(other.latest);
        self.longest_clash = self.longest_clash.max(other.longest_clash);
        self.outages += other.outages;
        self.dark += other.dark;
        self.darkest = self.darkest.max(other.darkest);
    }
}
