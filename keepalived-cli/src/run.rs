//! From the command line to a running daemon, or to the verdict of a configuration test.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use keepalived_config::diagnostic::render_all;
use keepalived_config::model::{Config as Model, Surroundings};
use keepalived_config::{FileSource, Options as LanguageOptions};
use keepalived_driver::StartError;
use keepalived_driver::control::ControlSettings;
use keepalived_driver::recording::RecordSettings;
use keepalived_driver::threads;

use crate::arguments::Options;
use crate::daemon::{self, DaemonError, DaemonSettings};
use crate::daemonize;
use crate::dump::{DumpSettings, GroupDump};
use crate::load::{ConfigSource, Loaded, UNSECURED, add_unusable_checks};
use crate::log::{Level, Log, LogSettings};
use crate::lower::{ProcessPlan, Purpose, ThisMachine, lower_for, without_bfd};
use crate::namespace;
use crate::ownership;
use crate::pidfile::{self, PidFile, PidFileError};
use crate::service;

/// Exit codes of keepalived (features people script against).
mod code {
    /// Another copy runs; nothing is wrong.
    pub(super) const ALREADY_RUNNING: u8 = 0;
    /// Something fatal.
    pub(super) const FATAL: u8 = 1;
    /// A configuration test found that the configuration cannot be run.
    pub(super) const CANNOT_RUN: u8 = 4;
    /// No configuration file.
    pub(super) const NO_CONFIGURATION: u8 = 6;
}

/// How long the log may take to write its last lines.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// Run the daemon as `options` say; `arguments` are the words they came from, for starting the
/// same program again in the background.
pub(crate) fn run(options: &Options, arguments: Vec<OsString>) -> ExitCode {
    match start(options, arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "keepalived-rs: {}", error.message);
            ExitCode::from(error.code)
        }
    }
}

/// Why nothing was started.
struct Refused {
    code: u8,
    message: String,
}

impl Refused {
    fn fatal(message: impl Into<Box<dyn std::error::Error>>) -> Self {
        let message = message.into();
        Self {
            code: code::FATAL,
            message: message.to_string(),
        }
    }
}

/// A second copy ends without fault, as keepalived's does.
impl From<PidFileError> for Refused {
    fn from(error: PidFileError) -> Self {
        let code = match error {
            PidFileError::AlreadyRunning { .. } => code::ALREADY_RUNNING,
            _ => code::FATAL,
        };
        Self {
            code,
            message: error.to_string(),
        }
    }
}

/// The daemon, with the parts that are asked for: CLI-07.
fn start(options: &Options, arguments: Vec<OsString>) -> Result<ExitCode, Refused> {
    if options.without_secrets && options.record.is_none() {
        return Err(Refused::fatal(
            "--without-secrets is for a recording: --record=FILE",
        ));
    }
    let source = source(options);
    if let Some(report) = &options.config_test {
        enter_namespace(options.namespace.as_deref())?;
        return Ok(test(&source, report, options.no_bfd));
    }
    if !options.dont_fork && !options.in_background {
        let pid = options
            .pid
            .clone()
            .unwrap_or_else(|| pidfile::DEFAULT.into());
        PidFile::check(&pid, "-p")?;
        return daemonize::start(arguments).map_err(Refused::fatal);
    }
    if options.in_background {
        daemonize::enter().map_err(Refused::fatal)?;
    }
    enter_namespace(options.namespace.as_deref())?;
    service::status("Reading the configuration");
    let mut entered = Ok(());
    let loaded = source.load_after(|model| {
        // The command line goes first.
        if options.namespace.is_none() {
            let name = model.net_namespace.as_ref().map(|name| name.value.as_str());
            entered = enter_namespace(name);
        }
    });
    entered?;
    if loaded.unreadable() {
        let path = source.path().display();
        return Err(Refused {
            code: code::NO_CONFIGURATION,
            message: format!("configuration file {path} cannot be read"),
        });
    }
    set_umask(options, &loaded);
    if options.core_dump {
        permit_core_files();
    }
    let _pid_files = pid_files(options, &loaded)?;
    let log = log(options, &loaded)?;
    let pid_file = main_pid_file(options, &loaded);
    let settings = DaemonSettings {
        source,
        dumps: dumps(&loaded, options.namespace.as_deref()),
        namespace: options.namespace.clone(),
        detail: options.log_detail > 0,
        addresses: options.address_monitoring,
        no_vrrp: options.check && !options.vrrp,
        no_checkers: options.vrrp && !options.check,
        no_bfd: options.no_bfd,
        keep_services: options.dont_release_ipvs,
        pid_folder: pid_file.parent().map(Path::to_owned).unwrap_or_default(),
        settings_file: pid_file.with_extension("settings"),
        services_file: pid_file.with_extension("services"),
        shutdown: loaded.lowered.process.shutdown.clone(),
        control: options.socket_path().map(ControlSettings::new),
        tag: ownership::tag(&pid_file),
        owner: ownership::owner(&pid_file),
        record: record_settings(options),
        keep_addresses: options.dont_release_vrrp,
        no_respawn: options.dont_respawn,
    };
    if options.dump_conf {
        for line in format!("{:#?}", loaded.model).lines() {
            log.line(Level::Info, line);
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let path = settings.source.path().display();
    log.line(
        Level::Info,
        &format!("Starting keepalived-rs {version} with {path}"),
    );
    if options.snmp || options.snmp_agent_socket.is_some() {
        let line = "-x and -A are not supported: there is no SNMP agent here; \
                    `keepalived-rs status --json` and the JSON dump tell the same";
        log.line(Level::Error, line);
    }
    dress(&loaded.lowered.process, &log);
    if let Some(script) = &loaded.lowered.process.startup {
        daemon::run_around("startup", script, &log);
    }
    let outcome = daemon::run(settings, loaded, &log, || {
        if options.in_background {
            daemonize::ready()
        } else {
            Ok(())
        }
    });
    let failure = outcome.err().as_ref().map(explain);
    if let Some(message) = &failure {
        log.line(Level::Error, message);
    }
    log.finish(LOG_PATIENCE);
    match failure {
        None => Ok(ExitCode::SUCCESS),
        // Said already where whoever started us reads.
        Some(_) if options.log_console => Ok(ExitCode::from(code::FATAL)),
        Some(message) => Err(Refused::fatal(message)),
    }
}

fn record_settings(options: &Options) -> Option<RecordSettings> {
    let to = options.record.as_ref()?;
    Some(to.settings(options.without_secrets))
}

/// What went wrong, and what to do about the usual reason.
fn explain(error: &DaemonError) -> String {
    let kind = match error {
        DaemonError::Elections(StartError::Io(error)) | DaemonError::Io(error) => error.kind(),
        _ => return error.to_string(),
    };
    if kind == std::io::ErrorKind::PermissionDenied {
        return format!("{error}; root, or CAP_NET_ADMIN and CAP_NET_RAW, is needed");
    }
    error.to_string()
}

/// Before any thread: the namespace belongs to the thread, and new ones inherit it.
fn enter_namespace(name: Option<&str>) -> Result<(), Refused> {
    let Some(name) = name else {
        return Ok(());
    };
    namespace::enter(name)
        .map_err(|error| Refused::fatal(format!("network namespace {name}: {error}")))
}

fn source(options: &Options) -> ConfigSource {
    let mut language = LanguageOptions::default().with_all_includes(options.all_config);
    let id = options.config_id.clone().or_else(short_host_name);
    if let Some(id) = id {
        language = language.with_config_id(id);
    }
    // Any value will do unless the file fixes one; the process number differs from run to run.
    language = language.with_random_seed(u64::from(std::process::id()));
    ConfigSource {
        path: options.use_file.clone(),
        options: language,
    }
}

/// The whole host name.
pub(crate) fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// What `@id` lines are compared with when nothing else was said.
pub(crate) fn short_host_name() -> Option<String> {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    name.split('.')
        .next()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// `-t`: everything that is wrong, and the exit code that scripts around keepalived know. CLI-06.
fn test(source: &ConfigSource, report: &str, no_bfd: bool) -> ExitCode {
    let path = source.path().to_string_lossy();
    let mut parsed = keepalived_config::parse(&mut FileSource, &path, &source.options);
    add_unusable_checks(&parsed.config, &mut parsed.diagnostics);
    let machine = ThisMachine::default();
    let mut text = render_all(&parsed.diagnostics, &parsed.sources);
    drop(parsed.sources);
    let lowered = lower_for(Purpose::Test, &parsed.config, &machine);
    let mut warn = |line: &str| {
        text.push_str("warning: ");
        text.push_str(line);
        text.push('\n');
    };
    let trouble = lowered
        .script_trouble
        .iter()
        .map(|trouble| &trouble.message);
    for line in lowered.remarks.iter().chain(trouble) {
        warn(line);
    }
    if no_bfd {
        without_bfd(&parsed.config, true, true)
            .iter()
            .for_each(|line| warn(line));
    }
    for (instance, interface) in parsed.config.interfaces() {
        if Surroundings::mtu(&machine, interface).is_none() {
            let name = instance.name.as_str();
            warn(&format!(
                "({name}) interface {interface} does not exist now"
            ));
        }
    }
    for address in &parsed.config.statics.addresses {
        let interface = &address.device;
        if Surroundings::mtu(&machine, interface).is_none() {
            let address = address.vip.address;
            warn(&format!(
                "interface {interface} of the static address {address} does not exist now"
            ));
        }
    }
    if parsed.config.unsecured(&machine).is_some() {
        // Without a word before it, as those who look for it expect.
        text.push_str(UNSECURED);
        text.push('\n');
    }
    let written = if report == "-" {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::fs::write(report, &text)
    };
    if let Err(error) = written {
        let _ = writeln!(std::io::stderr(), "keepalived-rs: {report}: {error}");
        return ExitCode::from(code::CANNOT_RUN);
    }
    let code = parsed.config.test_exit_code(&parsed.diagnostics, &machine);
    // The process ends: taking a hundred thousand servers apart would be for nothing.
    std::mem::forget((parsed.config, lowered));
    ExitCode::from(code)
}

/// CORE-11. CLI-18.
fn set_umask(options: &Options, loaded: &Loaded) {
    const DEFAULT: u32 = 0o177;
    let mask = options
        .umask
        .map(|mask| mask.0)
        .or(loaded.model.global.umask)
        .unwrap_or(DEFAULT);
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(mask));
}

fn permit_core_files() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Not permitted is no reason not to run.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: None,
            maximum: None,
        },
    );
}

/// The pid files, in keepalived's places: a folder of its own with `use_pid_dir`, `instance` or a
/// namespace.
fn pid_files(options: &Options, loaded: &Loaded) -> Result<Vec<PidFile>, Refused> {
    let main = main_pid_file(options, loaded);
    let vrrp = pid_place(
        options.vrrp_pid.as_ref(),
        pidfile::DEFAULT_VRRP,
        "vrrp",
        options,
        loaded,
    );
    if own_pid_folder(options, loaded) {
        std::fs::create_dir_all("/run/keepalived").map_err(Refused::fatal)?;
    }
    let mut files = vec![PidFile::create(&main, "-p")?];
    if vrrp != main {
        files.push(PidFile::create(&vrrp, "-r")?);
    }
    if loaded.lowered.balance.wanted && (options.check || !options.vrrp) {
        let checkers = pid_place(
            options.checkers_pid.as_ref(),
            pidfile::DEFAULT_CHECKERS,
            "checkers",
            options,
            loaded,
        );
        if checkers != main && checkers != vrrp {
            files.push(PidFile::create(&checkers, "-c")?);
        }
    }
    Ok(files)
}

fn main_pid_file(options: &Options, loaded: &Loaded) -> PathBuf {
    pid_place(
        options.pid.as_ref(),
        pidfile::DEFAULT,
        "keepalived",
        options,
        loaded,
    )
}

/// CORE-12.
fn pid_place(
    given: Option<&PathBuf>,
    default: &str,
    name: &str,
    options: &Options,
    loaded: &Loaded,
) -> PathBuf {
    match given {
        Some(path) => path.clone(),
        None if own_pid_folder(options, loaded) => {
            let words = suffix(options, loaded);
            PathBuf::from("/run/keepalived").join(format!("{name}{words}.pid"))
        }
        None => default.into(),
    }
}

fn own_pid_folder(options: &Options, loaded: &Loaded) -> bool {
    loaded.model.use_pid_dir || !suffix(options, loaded).is_empty()
}

/// What tells this daemon from others on the host, for file names and log tags.
fn suffix(options: &Options, loaded: &Loaded) -> String {
    names(options.namespace.as_deref(), loaded)
        .map(|word| format!("_{word}"))
        .collect()
}

/// The network namespace, by the command line or the file, and the daemon's own name.
fn names<'a>(namespace: Option<&'a str>, loaded: &'a Loaded) -> impl Iterator<Item = &'a str> {
    let model = &loaded.model;
    let of_file = || model.net_namespace.as_ref().map(|name| name.value.as_str());
    let instance = model.instance_name.as_ref().map(|name| name.value.as_str());
    namespace.or_else(of_file).into_iter().chain(instance)
}

/// The log, with details where asked: CLI-04.
fn log(options: &Options, loaded: &Loaded) -> Result<Log, Refused> {
    Log::start(&LogSettings {
        console: options.log_console,
        syslog: (!options.no_syslog).then_some(options.log_facility),
        file: options.log_file.clone(),
        flush_file: options.flush_log_file,
        detail: options.log_detail > 0,
        tag_suffix: suffix(options, loaded),
    })
    .map_err(|error| Refused::fatal(format!("the log cannot be opened: {error}")))
}

pub(crate) fn dumps(loaded: &Loaded, namespace: Option<&str>) -> DumpSettings {
    let global = &loaded.model.global;
    let mut dumps = DumpSettings::new();
    if global.process.data_use_instance {
        dumps.infix = names(namespace, loaded)
            .map(|word| format!(".{word}"))
            .collect();
    }
    dumps.state_file.clone_from(&global.state_dump_file);
    dumps.json_version = global.json_version;
    dumps.router_id = router_id(&loaded.model);
    dumps.hooks = loaded.lowered.hooks.clone();
    for group in &loaded.model.groups {
        let name = group.name.value.clone();
        let hooks = loaded.lowered.group_hooks.get(name.as_str());
        let tracked = group.tracked_interfaces.iter().map(|tracked| {
            let reverse = if tracked.reverse { " reverse" } else { "" };
            format!("{} weight {}{reverse}", *tracked.name, tracked.weight)
        });
        let dump = GroupDump {
            hooks: hooks.cloned().unwrap_or_default(),
            tracking_weight: group.tracking_weight,
            mail: group.notify.mail.unwrap_or(global.mail.vrrp),
            tracked_interfaces: tracked.collect(),
        };
        dumps.groups.insert(name, dump);
    }
    dumps.wishes = loaded.lowered.alerts.instances.clone();
    dumps.services = loaded.lowered.balance.wishes.clone();
    dumps
}

/// Name of this machine, in dumps and mails.
pub(crate) fn router_id(model: &Model) -> String {
    let given = model.global.router_id.as_ref();
    given
        .map(|id| id.value.clone())
        .or_else(short_host_name)
        .unwrap_or_default()
}

/// What the configuration says about the main thread and the whole process.
pub(crate) fn dress(process: &ProcessPlan, log: &Log) {
    use rustix::mm::{MlockAllFlags, mlockall, munlockall};
    if let Some(name) = &process.name
        && let Err(error) = threads::rename(name)
    {
        let line = format!("The name of the process could not be set: {error}");
        log.line(Level::Warning, &line);
    }
    let locked = if process.no_swap {
        mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
    } else {
        munlockall()
    };
    if let Err(error) = locked {
        let line = format!("The memory could not be locked: {error}");
        log.line(Level::Warning, &line);
    }
}
