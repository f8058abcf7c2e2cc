//! `demo`: a failover to watch, in less than twenty seconds, without root.

mod machine;
mod narrator;
mod plan;
mod prober;
mod rtnl;
mod simulated;
mod space;
mod story;

use std::process::ExitCode;
use std::time::Duration;

use crate::arguments::Demo;
use narrator::Narrator;
use story::StoryError;

/// Exit code 0 when the story went as told.
pub(crate) fn run(options: &Demo) -> ExitCode {
    let narrator = Narrator::new(!options.fast);
    narrator.print(&plan::picture());
    narrator.pause(Duration::from_secs(2));
    if options.simulate {
        return simulate(narrator);
    }
    match story::play(narrator) {
        Ok(()) => {
            narrator.print("");
            narrator.print(
                "  That is VRRP. Try `keepalived-rs check FILE` on a keepalived.conf of your own.",
            );
            ExitCode::SUCCESS
        }
        Err(StoryError::NoStage(error)) => {
            narrator.say(&format!(
                "This machine does not let me build a network of namespaces ({error}). The same\n\
                 story is told by the simulator instead, which runs the same election code."
            ));
            simulate(narrator)
        }
        Err(error) => {
            narrator.say(&format!("The story ends here: {error}."));
            ExitCode::FAILURE
        }
    }
}

fn simulate(narrator: Narrator) -> ExitCode {
    match simulated::play(narrator) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            narrator.say(&error);
            ExitCode::FAILURE
        }
    }
}
