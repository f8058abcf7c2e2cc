//! The checks of a server.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use healthcheck::{
    BodyRegex, DnsQuery, Expectation, HttpConfig, HttpVersion, Offsets, Page, Pattern, QueryType,
    Schedule, ServerNameIndication, StatusList, Target, TlsConfig, UdpConfig,
};
use keepalived_config::Config as Model;
use keepalived_config::model::balance::{
    Checker, CheckerKind, DnsType, HttpVersion as Version, RegexOption, Target as Wanted, UdpReply,
    Url, WebCheck,
};
use keepalived_config::schema::BROKEN_CHECK;
use keepalived_config::{Diagnostic, Severity, Span};
use keepalived_driver::balance::{CheckSetup, ProbeSetup};

use super::identity::{Identity, NO_CA};
use crate::lower::scripts::{ScriptTrouble, Scripts};

/// Patterns and names that a check cannot use, each with its place: what is wrong on every machine.
pub(crate) fn unusable(model: &Model) -> Vec<Diagnostic> {
    let servers = model.services.iter().flat_map(|service| &service.servers);
    let checkers = servers.flat_map(|server| &server.checkers);
    // All mistakes of a check in one pass.
    let checkers = checkers.flat_map(|checker| match &checker.kind {
        CheckerKind::Broken { others, .. } => others.iter(),
        _ => std::slice::from_ref(checker).iter(),
    });
    let mut found = Vec::new();
    // A pattern that a hundred thousand servers share is compiled once.
    let mut patterns: HashMap<(&str, &[RegexOption]), Option<String>> = HashMap::new();
    let mut complain = |span: Span, message: String| {
        let mut complaint = Diagnostic::new(Severity::Error, "unusable-check", span, message);
        complaint.help(BROKEN_CHECK);
        found.push(complaint);
    };
    for checker in checkers {
        match &checker.kind {
            CheckerKind::Web(_, web) => {
                if web.tls && web.verify && model.identity.ca.is_none() {
                    complain(checker.span, NO_CA.to_owned());
                }
                for url in &web.urls {
                    let Some(regex) = &url.regex else {
                        continue;
                    };
                    let key = (regex.value.as_str(), url.regex_options.as_slice());
                    let error = patterns.entry(key).or_insert_with(|| page(url).err());
                    if let Some(error) = error {
                        complain(regex.span, error.clone());
                    }
                }
            }
            CheckerKind::Dns { kind, name, .. } if DnsQuery::new(query(*kind), name).is_none() => {
                complain(checker.span, not_a_name(name));
            }
            _ => {}
        }
    }
    found
}

fn not_a_name(name: &str) -> String {
    format!("`{name}` is not a domain name")
}

/// Lowers checks, and remembers what many of them share.
pub(super) struct Checks<'a> {
    model: &'a Model,
    identity: Identity,
    /// By the name that is sent; making one is dear.
    tls: HashMap<(Sni, bool), TlsConfig>,
    files: BTreeSet<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sni {
    Off,
    VirtualHost,
    Name(String),
}

impl<'a> Checks<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        Self {
            model,
            identity: Identity::default(),
            tls: HashMap::new(),
            files: BTreeSet::new(),
        }
    }

    /// Files that checks read.
    pub(super) const fn files(&self) -> &BTreeSet<Arc<str>> {
        &self.files
    }

    /// One that cannot be had is one that fails, and has been complained about under `name`.
    pub(super) fn setup(
        &mut self,
        name: impl Fn() -> String,
        wanted: &Checker,
        scripts: &Scripts<'_>,
        remarks: &mut Vec<String>,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> CheckSetup {
        let told = trouble.len();
        let made = self.make(&name, wanted, scripts, trouble);
        made.unwrap_or_else(|why| {
            let word = wanted.kind.word();
            // Of a script it has been said.
            match trouble.get_mut(told..).and_then(<[_]>::last_mut) {
                Some(said) => said.message = format!("{}; {BROKEN_CHECK}", said.message),
                None => remarks.push(format!("({}) {word}: {why}; {BROKEN_CHECK}", name())),
            }
            CheckSetup::unusable(word, &why)
        })
    }

    fn make(
        &mut self,
        name: &dyn Fn() -> String,
        wanted: &Checker,
        scripts: &Scripts<'_>,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Result<CheckSetup, String> {
        let mut schedule = schedule(self.model, wanted);
        let probe = match &wanted.kind {
            CheckerKind::Tcp(to) => ProbeSetup::Tcp {
                target: target(to),
                timeout: to.timeout,
            },
            CheckerKind::Ping(to) => {
                let mut target = target(to);
                target.to.set_port(0);
                ProbeSetup::Ping {
                    target,
                    timeout: to.timeout,
                }
            }
            CheckerKind::Web(to, web) => {
                schedule.fast_recovery = web.fast_recovery;
                ProbeSetup::Http {
                    target: target(to),
                    config: self.web(web)?,
                    timeout: to.timeout,
                }
            }
            CheckerKind::Smtp { target: to, helo } => ProbeSetup::Smtp {
                target: target(to),
                helo: helo.to_string(),
                timeout: to.timeout,
            },
            CheckerKind::Dns {
                target: to,
                kind,
                name,
            } => ProbeSetup::Dns {
                target: target(to),
                query: DnsQuery::new(query(*kind), name).ok_or_else(|| not_a_name(name))?,
                timeout: to.timeout,
            },
            CheckerKind::Udp {
                target: to,
                payload,
                reply,
            } => ProbeSetup::Udp {
                target: target(to),
                config: udp(payload, reply.as_deref()),
                timeout: to.timeout,
            },
            CheckerKind::Script {
                command,
                timeout,
                dynamic,
            } => {
                let name = name();
                let command = scripts.command(&name, command, trouble).ok_or_else(|| {
                    let said = trouble.last().map_or("", |said| &said.message);
                    let who = format!("({name}) ");
                    said.strip_prefix(&who).unwrap_or(said).to_owned()
                })?;
                ProbeSetup::Script {
                    command,
                    dynamic: *dynamic,
                    timeout: *timeout,
                }
            }
            CheckerKind::File {
                name,
                weight,
                reverse,
            } => {
                let (weight, reverse) = match weight {
                    Some(weight) => (*weight, *reverse),
                    None => self.weight_of(&name.value),
                };
                schedule = told(schedule.alpha);
                let name: Arc<str> = name.value.as_str().into();
                self.files.insert(name.clone());
                ProbeSetup::File {
                    name,
                    weight: if reverse { -weight } else { weight },
                }
            }
            CheckerKind::Bfd { name } => {
                schedule = told(schedule.alpha);
                ProbeSetup::Bfd {
                    name: name.value.as_str().into(),
                }
            }
            CheckerKind::Broken { why, .. } => return Err(why.to_string()),
            other => return Err(format!("a check of this kind is not known: {other:?}")),
        };
        Ok(CheckSetup::new(probe, schedule))
    }

    /// That of the `track_file` itself.
    fn weight_of(&self, name: &str) -> (i32, bool) {
        let files = &self.model.trackers.files;
        let file = files.iter().find(|file| file.name.value == name);
        file.map_or((1, false), |file| {
            (file.weight.value.into(), file.weight.reverse)
        })
    }

    fn web(&mut self, wanted: &WebCheck) -> Result<HttpConfig, String> {
        let pages: Result<Vec<Page>, String> = wanted.urls.iter().map(page).collect();
        let mut config = HttpConfig::new(pages?);
        config.version = match wanted.version {
            Version::Http10 => HttpVersion::Http10,
            Version::Http10Close => HttpVersion::Http10Close,
            Version::Http11 => HttpVersion::Http11,
        };
        if wanted.tls {
            let sni = match (wanted.sni, &wanted.sni_name) {
                (_, Some(name)) => Sni::Name(name.clone()),
                (true, None) => Sni::VirtualHost,
                (false, None) => Sni::Off,
            };
            config.tls = Some(self.tls(sni, wanted.verify)?);
        }
        Ok(config)
    }

    fn tls(&mut self, sni: Sni, verify: bool) -> Result<TlsConfig, String> {
        let key = (sni, verify);
        if let Some(known) = self.tls.get(&key) {
            return Ok(known.clone());
        }
        let name = match &key.0 {
            Sni::Off => ServerNameIndication::Off,
            Sni::VirtualHost => ServerNameIndication::VirtualHost,
            Sni::Name(name) => ServerNameIndication::Name(name.clone()),
        };
        let made = self.identity.tls(&self.model.identity, name, verify)?;
        self.tls.insert(key, made.clone());
        Ok(made)
    }
}

/// What the check does not say comes from its server, and then from the service: LVS-09, LVS-10.
fn schedule(model: &Model, wanted: &Checker) -> Schedule {
    let mut schedule = Schedule::every(wanted.schedule.delay_loop);
    schedule.retries = wanted.schedule.retry;
    schedule.rise = wanted.schedule.rise;
    schedule.fall = wanted.schedule.fall;
    schedule.delay_before_retry = wanted.schedule.delay_before_retry;
    schedule.warmup = wanted.schedule.warmup;
    schedule.alpha = wanted.alpha;
    schedule.log_all_failures = wanted
        .log_all_failures
        .unwrap_or(model.global.balance.log_all_failures);
    schedule
}

/// Of what is watched elsewhere.
fn told(alpha: bool) -> Schedule {
    let mut schedule = Schedule::told();
    schedule.alpha = alpha;
    schedule
}

fn target(wanted: &Wanted) -> Target {
    let mut target = Target::new(SocketAddr::new(wanted.address, wanted.port));
    if let Some(source) = &wanted.source {
        target.bind_address = source.address;
        target.bind_port = source.port.unwrap_or(0);
        target.interface.clone_from(&source.interface);
        target.mark = source.mark.unwrap_or(0);
    }
    target
}

fn page(wanted: &Url) -> Result<Page, String> {
    let mut page = Page::new(&wanted.path);
    page.virtual_host.clone_from(&wanted.virtual_host);
    page.tls_compliant = wanted.tls_compliant;
    let ranges = wanted.status.iter();
    let mut expect = Expectation {
        status: StatusList::new(ranges.map(|(first, last)| *first..=*last)),
        digest: wanted.digest,
        ..Expectation::default()
    };
    if let Some(regex) = &wanted.regex {
        let options = wanted.regex_options.iter().map(|option| option.0);
        let compiled = BodyRegex::new(&regex.value, options);
        let compiled = compiled.map_err(|error| {
            let path = &wanted.path;
            format!("the regular expression of {path} cannot be had: {error}")
        })?;
        let offsets = Offsets {
            min: wanted.regex_min_offset,
            max: wanted.regex_max_offset,
        };
        let compiled = compiled.with_offsets(offsets);
        expect.regex = Some(compiled.with_no_match(wanted.regex_no_match));
    }
    page.expect = expect;
    Ok(page)
}

const fn query(kind: DnsType) -> QueryType {
    match kind {
        DnsType::A => QueryType::A,
        DnsType::Ns => QueryType::Ns,
        DnsType::Cname => QueryType::Cname,
        DnsType::Soa => QueryType::Soa,
        DnsType::Mx => QueryType::Mx,
        DnsType::Txt => QueryType::Txt,
        DnsType::Aaaa => QueryType::Aaaa,
    }
}

fn udp(payload: &[u8], reply: Option<&UdpReply>) -> UdpConfig {
    let mut config = UdpConfig {
        payload: (!payload.is_empty()).then(|| payload.to_vec()),
        ..UdpConfig::default()
    };
    if let Some(reply) = reply {
        config.reply = Some(pattern(&reply.pattern));
        config.min_length = reply.min_length.into();
        config.max_length = reply.max_length.into();
    }
    config
}

/// Nibbles to octets, those that do not matter masked out.
fn pattern(nibbles: &[Option<u8>]) -> Pattern {
    let octets = nibbles.chunks(2).map(|pair| {
        let nibble = |at: usize| match pair.get(at) {
            Some(Some(value)) => (*value, 0xf),
            _ => (0, 0),
        };
        let ((high, high_mask), (low, low_mask)) = (nibble(0), nibble(1));
        (high << 4 | low, high_mask << 4 | low_mask)
    });
    Pattern::new(octets)
}
