//! A new configuration for all sessions at once.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::Instant;
use crate::error::ConfigError;
use crate::table::path::{Definition, Identity};
use crate::table::slot::Machine;
use crate::table::{SessionId, Table};

/// What a reload has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reload {
    /// The sessions, in the order of the definitions.
    pub ids: Vec<SessionId>,
    /// Those that did not exist.
    pub added: Vec<SessionId>,
    /// Those that have another configuration, and their state of before.
    pub changed: Vec<SessionId>,
    /// Those that nothing has happened to.
    pub kept: Vec<SessionId>,
    /// Those that are retiring now.
    pub removed: Vec<SessionId>,
}

impl Table {
    /// Whether a table could have these sessions.
    ///
    /// # Errors
    ///
    /// Why a definition cannot be used. [`DuplicatePath`](ConfigError::DuplicatePath) for two with
    /// one path.
    pub fn check(definitions: &[Definition]) -> Result<(), ConfigError> {
        wanted(definitions).map(drop)
    }

    /// Makes the sessions those of these definitions. A session whose path is the same stays what
    /// it is, and stays up; new intervals are negotiated. Sessions that are not defined any more
    /// [retire](Self::retire).
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); nothing has changed then.
    pub fn reload(
        &mut self,
        now: Instant,
        definitions: Vec<Definition>,
    ) -> Result<Reload, ConfigError> {
        let wanted = wanted(&definitions)?;
        let mut reload = Reload::default();
        let gone = self.by_identity.iter();
        let gone = gone.filter(|(identity, _)| !wanted.contains(identity));
        reload.removed = gone.map(|(_, id)| *id).collect();
        for id in &reload.removed {
            self.retire(now, *id);
        }
        for definition in definitions {
            let definition = definition.complete();
            let existing = self.by_identity.get(&definition.identity()).copied();
            let id = match existing {
                None => {
                    let id = self.add(now, definition)?;
                    reload.added.push(id);
                    id
                }
                Some(id) => {
                    if self.reconfigure(now, id, definition)? {
                        reload.changed.push(id);
                    } else {
                        reload.kept.push(id);
                    }
                    id
                }
            };
            reload.ids.push(id);
        }
        Ok(reload)
    }

    /// Tells whether anything was different.
    fn reconfigure(
        &mut self,
        now: Instant,
        id: SessionId,
        definition: Definition,
    ) -> Result<bool, ConfigError> {
        self.work(id.place(), |slot| {
            if slot.definition == definition {
                return Ok(false);
            }
            match (&mut slot.machine, &definition) {
                (
                    Machine::Session(session),
                    Definition::SingleHop(_, config) | Definition::Multihop(_, config),
                ) => session.reconfigure(now, config.clone())?,
                (Machine::Initiator(initiator), Definition::Seamless(_, config)) => {
                    initiator.reconfigure(config.clone())?;
                }
                // The identity tells the kinds apart.
                _ => {}
            }
            slot.definition = definition;
            Ok(true)
        })
        .unwrap_or(Ok(false))
    }
}

/// What the sessions are found by, each once.
fn wanted(definitions: &[Definition]) -> Result<BTreeSet<Identity>, ConfigError> {
    let mut wanted = BTreeSet::new();
    for definition in definitions {
        definition.check()?;
        if !wanted.insert(definition.identity()) {
            return Err(ConfigError::DuplicatePath);
        }
    }
    Ok(wanted)
}
