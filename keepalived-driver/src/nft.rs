//! The program `nft`, and a thread that hands transactions to it, one after another.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::clock::Clock;
use crate::namespace;

/// How long `nft` may take.
const LIMIT: Duration = Duration::from_secs(10);
const PROGRAM: &str = "nft";
const NO_PROGRAM: &str = "there is no program nft; install nftables";

/// What `nft` is to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// One transaction, whose outcome matters.
    Set(String),
    /// The same for a table that may be somebody else's: each of the claims says that it is, if its first part
    /// succeeds and its second one does not. Then nothing is done.
    Claim {
        claims: [(String, String); 2],
        script: String,
    },
    /// Transactions that mostly find nothing to do, and fail then.
    Clean([String; 2]),
}

/// What came of a job: nothing of one that mostly finds nothing to do.
pub(crate) type Answer = Option<Result<(), String>>;

/// The thread.
#[derive(Debug)]
pub(crate) struct Nft {
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
    unanswered: usize,
}

impl Nft {
    /// Starts the thread under this name, in this network namespace (its file) or else that of the
    /// caller. It calls `wake` after each answer.
    pub(crate) fn start(
        name: &str,
        space: Option<PathBuf>,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, todo) = channel::<Job>();
        let (done, answers) = channel();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let here = match &space {
                    None => Ok(()),
                    Some(path) => namespace::enter(path).map_err(|error| {
                        format!("cannot enter the namespace {}: {error}", path.display())
                    }),
                };
                for job in todo {
                    // In another namespace than the one that was meant nothing must be touched.
                    let answer = match (here.clone(), job) {
                        (Err(error), Job::Set(_) | Job::Claim { .. }) => Some(Err(error)),
                        (Err(_), Job::Clean(_)) => None,
                        (Ok(()), Job::Set(script)) => Some(run(&script)),
                        (Ok(()), Job::Claim { claims, script }) => {
                            Some(unclaimed(&claims).and_then(|()| run(&script)))
                        }
                        (Ok(()), Job::Clean(scripts)) => {
                            let _ = scripts.iter().try_for_each(|script| match run(script) {
                                // Without the program there is nothing of ours either.
                                Err(error) if error == NO_PROGRAM => Err(()),
                                _ => Ok(()),
                            });
                            None
                        }
                    };
                    if done.send(answer).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        Ok(Self {
            jobs,
            answers,
            unanswered: 0,
        })
    }

    /// Asks for one more thing. `false` if the thread has died.
    pub(crate) fn submit(&mut self, job: Job) -> bool {
        let taken = self.jobs.send(job).is_ok();
        self.unanswered += usize::from(taken);
        taken
    }

    /// Nothing is being done.
    pub(crate) const fn is_idle(&self) -> bool {
        self.unanswered == 0
    }

    /// What came of the oldest job that has not been asked about, if it is done.
    pub(crate) fn poll_answer(&mut self) -> Option<Answer> {
        match self.answers.try_recv() {
            Ok(answer) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                Some(answer)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// Waits for the answers to all jobs, not for longer than one of them may take. The last failure.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        let mut last = Ok(());
        while !self.is_idle() {
            match self.answers.recv_timeout(LIMIT * 2) {
                Ok(answer) => {
                    self.unanswered = self.unanswered.saturating_sub(1);
                    last = answer.unwrap_or(last);
                }
                Err(RecvTimeoutError::Timeout) => return Err("nft does not come to an end".into()),
                Err(RecvTimeoutError::Disconnected) => return Err("its thread has died".into()),
            }
        }
        last
    }
}

/// An error if somebody else has a table of that name.
fn unclaimed(claims: &[(String, String)]) -> Result<(), String> {
    for (table, own) in claims {
        if run(table).is_ok() && run(own).is_err() {
            let name = table.trim().trim_start_matches("list ");
            return Err(format!("{name} is there and is somebody else's"));
        }
    }
    Ok(())
}

/// Gives `nft` one transaction and waits for it, not for ever.
fn run(script: &str) -> Result<(), String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => NO_PROGRAM.to_owned(),
        _ => format!("nft cannot be run: {error}"),
    };
    let mut child = Command::new(PROGRAM)
        .args(["-f", "-"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // If it has ended already its words say why.
        let _ = input.write_all(script.as_bytes());
    }
    let ended = wait(&mut child).map_err(failed)?;
    let mut words = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut words);
    }
    match ended {
        Some(true) => Ok(()),
        Some(false) => Err(format!("nft refuses the rules: {}", words.trim())),
        None => Err(format!("nft did not end within {LIMIT:?}")),
    }
}

/// Whether it succeeded; nothing if it had to be killed.
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let start = Clock.now();
    let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut watched = [PollFd::new(&end, PollFlags::IN)];
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        let left = LIMIT.saturating_sub(Clock.now().saturating_duration_since(start));
        if left.is_zero() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        // Interrupted: the loop looks again.
        let _ = poll(&mut watched, Timespec::try_from(left).ok().as_ref());
    }
}
