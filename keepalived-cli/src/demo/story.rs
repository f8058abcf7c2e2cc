//! The story with real daemons on a real, if small, network.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keepalived_driver::clock::Clock;

use super::machine::{Machine, wait_until};
use super::narrator::Narrator;
use super::plan::{self, A, B, CLIENT, INTERFACE, PREFIX, RouterPlan, VIRTUAL};
use super::prober::{Prober, Silence};
use super::rtnl::Rtnl;
use super::space::Space;

const BRIDGE: &str = "switch";
/// Longest time anything in the story may take; far more than it should.
const PATIENCE: Duration = Duration::from_secs(6);
/// The network, the kernel and the measurement itself take a little on top of the protocol's time.
const MARGIN: Duration = Duration::from_millis(20);

/// Why the curtain fell early.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoryError {
    /// This machine does not allow it; the simulator will.
    #[error("{0}")]
    NoStage(io::Error),
    /// Something that should have happened did not.
    #[error("{0}")]
    Missed(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A folder that goes away with us.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let name = format!("keepalived-rs-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything that stands on the stage. Fields are dropped in this order: daemons before the folder.
struct Stage {
    narrator: Narrator,
    a: Machine,
    b: Machine,
    client: Space,
    switch: Rtnl,
    _folder: Folder,
}

/// Play it.
pub(super) fn play(narrator: Narrator) -> Result<(), StoryError> {
    super::space::leave_the_host().map_err(StoryError::NoStage)?;
    let mut stage = Stage::build(narrator).map_err(StoryError::NoStage)?;
    stage.play()
}

impl Stage {
    fn build(narrator: Narrator) -> io::Result<Self> {
        let folder = Folder::new()?;
        let switch = Rtnl::open()?;
        switch.add_bridge(BRIDGE)?;
        let client = Space::new("client")?;
        switch.add_cable(BRIDGE, "client", client.namespace(), INTERFACE)?;
        client.run(|| {
            let rtnl = Rtnl::open()?;
            rtnl.set_up(INTERFACE)?;
            rtnl.add_address(INTERFACE, CLIENT, PREFIX)
        })?;
        let machine = |plan: RouterPlan, port: &'static str, folder: &Path| {
            Machine::new(plan, port, folder, narrator)
        };
        Ok(Self {
            narrator,
            a: machine(A, "router-a", &folder.0)?,
            b: machine(B, "router-b", &folder.0)?,
            client,
            switch,
            _folder: folder,
        })
    }

    fn play(&mut self) -> Result<(), StoryError> {
        let narrator = self.narrator;
        narrator
            .say("The network is built from namespaces of this machine's kernel. Both routers run");
        narrator.print(&format!(
            "{:10}this very program with a keepalived.conf. Router A's:",
            ""
        ));
        narrator.print("");
        for line in A.configuration().lines() {
            narrator.print(&format!("{:14}{line}", ""));
        }
        narrator.print("");
        narrator.pause(Duration::from_millis(1500));
        self.elect()?;
        let prober = self.client.run(|| Prober::start(VIRTUAL))?;
        let answered = wait_until(PATIENCE, || prober.last_answer());
        answered.ok_or(StoryError::Missed(
            "the client got no answer from the virtual address",
        ))?;
        narrator.say(&format!(
            "The client pings {VIRTUAL} and is answered.\n{}",
            self.neighbour()
        ));
        narrator.pause(Duration::from_millis(800));
        self.kill(&prober)?;
        self.bring_back(&prober)?;
        self.stop_politely(&prober)?;
        let (sent, answered) = prober.stop();
        let lost = sent.saturating_sub(answered);
        narrator.print("");
        narrator.say(&format!(
            "{sent} pings were sent in all, {lost} of them into the silences above."
        ));
        Ok(())
    }

    fn elect(&mut self) -> Result<(), StoryError> {
        let narrator = self.narrator;
        narrator.say(
            "1. ELECTION. Both routers are switched on. Each listens first: it takes the address",
        );
        narrator.print(&format!(
            "{:10}only after 3 adverts have failed to come, plus a little more the lower its priority is.",
            ""
        ));
        self.b.power_on(&self.switch, BRIDGE)?;
        self.a.power_on(&self.switch, BRIDGE)?;
        let elected = wait_until(PATIENCE, || {
            (self.a.is_master() && !self.b.is_master()).then_some(())
        });
        elected.ok_or(StoryError::Missed("router A did not become master"))?;
        self.show();
        narrator.pause(Duration::from_millis(1000));
        Ok(())
    }

    fn kill(&mut self, prober: &Prober) -> Result<(), StoryError> {
        let narrator = self.narrator;
        narrator.print("");
        narrator.say("2. CRASH. Router A loses power: its daemon is killed with signal 9 and its interface is");
        narrator.print(&format!(
            "{:10}gone. It cannot say goodbye. Router B has to notice the silence.",
            ""
        ));
        prober.forget();
        let at = Clock.now();
        self.a.power_off(&self.switch)?;
        let silence = self.silence_after(prober, at, &self.b)?;
        self.show();
        let (most, step) = (B.down_interval(), plan::interval());
        let least = most.saturating_sub(step);
        narrator.say(&format!("   The client was cut off for {}.", text(silence)));
        narrator.say(&format!(
            "   The protocol says: router B waits 3 x {} + {} from the last advert it heard, and that\n\
             was up to {} before the crash: {} to {}. {}",
            whole(step),
            whole(B.skew()),
            whole(step),
            whole(least),
            whole(most),
            verdict(silence.length, most)
        ));
        narrator.say(&format!(
            "   Router B announced the address, so that nobody asks router A any more.\n{}",
            self.neighbour()
        ));
        narrator.pause(Duration::from_millis(1200));
        Ok(())
    }

    fn bring_back(&mut self, prober: &Prober) -> Result<(), StoryError> {
        let narrator = self.narrator;
        narrator.print("");
        narrator.say("3. RETURN. Router A is switched on again. It has the higher priority and takes the address");
        narrator.print(&format!(
            "{:10}back (unless its configuration said `nopreempt`), this time from a living router.",
            ""
        ));
        prober.forget();
        self.a.power_on(&self.switch, BRIDGE)?;
        let back = wait_until(PATIENCE, || {
            (self.a.is_master() && !self.b.is_master()).then_some(())
        });
        back.ok_or(StoryError::Missed("router A did not take the address back"))?;
        let at = Clock.now();
        wait_until(PATIENCE, || {
            prober.last_answer().filter(|answer| *answer > at)
        })
        .ok_or(StoryError::Missed(
            "the client lost the address when router A came back",
        ))?;
        self.show();
        if let Some(silence) = prober.longest_silence() {
            let words = text(silence);
            narrator.say(&format!("   The change cost the client {words}."));
        }
        narrator.pause(Duration::from_millis(1200));
        Ok(())
    }

    fn stop_politely(&mut self, prober: &Prober) -> Result<(), StoryError> {
        let narrator = self.narrator;
        narrator.print("");
        narrator.say("4. MAINTENANCE. Router A is asked to stop (SIGTERM). It says goodbye: an advert of priority 0.");
        prober.forget();
        let at = Clock.now();
        self.a.ask_to_stop()?;
        let silence = self.silence_after(prober, at, &self.b)?;
        self.a.wait_for_end();
        self.show();
        narrator.say(&format!("   The client was cut off for {}.", text(silence)));
        narrator.say(&format!(
            "   After a goodbye router B waits for its skew time only, {}. {}",
            whole(B.skew()),
            verdict(silence.length, B.skew())
        ));
        narrator.pause(Duration::from_millis(500));
        Ok(())
    }

    /// Wait until `taker` is master and answers; the silence the client heard.
    fn silence_after(
        &self,
        prober: &Prober,
        at: sans_io_time::Instant,
        taker: &Machine,
    ) -> Result<Silence, StoryError> {
        wait_until(PATIENCE, || taker.is_master().then_some(()))
            .ok_or(StoryError::Missed("nobody took the address over"))?;
        let taken = Clock.now();
        wait_until(PATIENCE, || {
            prober
                .last_answer()
                .filter(|answer| *answer > taken.max(at))
        })
        .ok_or(StoryError::Missed("the client was not answered any more"))?;
        prober
            .longest_silence()
            .ok_or(StoryError::Missed("nothing was measured"))
    }

    fn show(&self) {
        for machine in [&self.a, &self.b] {
            self.narrator.say(&format!("   {}", machine.describe()));
        }
    }

    /// What the client's kernel knows about where the virtual address is.
    fn neighbour(&self) -> String {
        let virtual_address = VIRTUAL.to_string();
        let table = self
            .client
            .run(|| fs::read_to_string("/proc/thread-self/net/arp"));
        let mac = table.ok().and_then(|table| {
            let line = table
                .lines()
                .find(|line| line.split(' ').next() == Some(&virtual_address))?;
            Some(line.split_whitespace().nth(3)?.to_owned())
        });
        let Some(mac) = mac else {
            return format!("The client's neighbour table has no entry for {VIRTUAL}.");
        };
        let mut machines = [&self.a, &self.b].into_iter();
        let whose = machines
            .find(|machine| machine.mac().as_deref() == Some(&mac))
            .map_or_else(String::new, |machine| {
                format!(", which is {}", machine.plan.name)
            });
        format!("The client's neighbour table has {VIRTUAL} at {mac}{whose}.")
    }
}

fn text(silence: Silence) -> String {
    let millis = silence.length.as_secs_f64() * 1000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else {
        whole(silence.length)
    }
}

/// To the nearest millisecond.
pub(super) fn whole(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}

fn verdict(measured: Duration, most: Duration) -> String {
    if measured <= most + MARGIN {
        "Kept.".to_owned()
    } else {
        let late = (measured.saturating_sub(most)).as_millis();
        format!("Late by {late} ms: this machine was busy.")
    }
}
