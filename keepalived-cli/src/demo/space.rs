//! Network namespaces: one machine of the demo each.

use std::fs::{self, File};
use std::io;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// Move this process to a network namespace of its own, as root there, with whatever rights we have.
/// To be called while there is one thread only.
pub(super) fn leave_the_host() -> io::Result<()> {
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    // Not root, or root without the right: be root in a user namespace, which needs no right on most
    // machines.
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Without this no group may be mapped.
    let _ = fs::write("/proc/self/setgroups", "deny");
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    Ok(())
}

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace, kept by a thread that lives in it. Whatever runs on that thread, and every
/// process and thread started there, has that network.
pub(super) struct Space {
    jobs: Sender<Job>,
    namespace: File,
}

impl Space {
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let (sender, receiver) = sync_channel(1);
        thread::Builder::new().name(name.into()).spawn(move || {
            let opened = unshare(CloneFlags::CLONE_NEWNET)
                .map_err(io::Error::from)
                .and_then(|()| File::open("/proc/thread-self/ns/net"));
            let failed = opened.is_err();
            if sender.send(opened).is_err() || failed {
                return;
            }
            queue.into_iter().for_each(|job| job());
        })?;
        let namespace = receiver.recv().map_err(io::Error::other)??;
        Ok(Self { jobs, namespace })
    }

    /// For moving interfaces into it.
    pub(super) fn namespace(&self) -> &File {
        &self.namespace
    }

    /// Do something inside, and wait for what it gives.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (sender, receiver) = sync_channel(1);
        let job = Box::new(move || {
            // The receiver waits for it below.
            let _ = sender.send(job());
        });
        self.jobs
            .send(job)
            .map_err(|_| io::Error::other("a namespace thread has ended"))?;
        receiver.recv().map_err(io::Error::other)?
    }
}
