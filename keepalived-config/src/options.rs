//! What the caller decides about a run.

/// How to read. Start from `Options::default()` and change fields through the `with_*` methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The configuration id that `@id` lines are compared with (`-i`). The daemon passes the short
    /// host name if the user gave none. Absent: `@id` lines are left out, `@^id` lines are kept.
    pub config_id: Option<String>,
    /// The instance name for `${_INSTANCE}`, if the caller knows it; an `instance` line overrides it.
    pub instance: Option<String>,
    /// Start of the random series of `${_RANDOM}`; a `random_seed` line overrides it.
    pub random_seed: u64,
    /// Every include that finds nothing is an error (`-e`).
    pub all_includes: bool,
    /// The most bytes that definitions and repetitions may produce in one run. 64 MiB by default,
    /// which is a configuration of some hundred thousand lines.
    pub expansion_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_id: None,
            instance: None,
            random_seed: 0,
            all_includes: false,
            expansion_limit: 64 << 20,
        }
    }
}

impl Options {
    /// Sets the configuration id.
    #[must_use]
    pub fn with_config_id(mut self, id: impl Into<String>) -> Self {
        self.config_id = Some(id.into());
        self
    }

    /// Sets the instance name.
    #[must_use]
    pub fn with_instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// Sets the start of the random series.
    #[must_use]
    pub const fn with_random_seed(mut self, seed: u64) -> Self {
        self.random_seed = seed;
        self
    }

    /// Makes every include that finds nothing an error.
    #[must_use]
    pub const fn with_all_includes(mut self, on: bool) -> Self {
        self.all_includes = on;
        self
    }

    /// Sets the most bytes that definitions and repetitions may produce.
    #[must_use]
    pub const fn with_expansion_limit(mut self, bytes: usize) -> Self {
        self.expansion_limit = bytes;
        self
    }
}
