//! `genhash`: the MD5 digest of a page, for `digest` in `url` blocks (GEN-01).
//!
//! The page is fetched as a check would fetch it, so that what is printed is what a check compares.
//! Options and output are those of keepalived's genhash. Unlike that one, it ends with code 1 when
//! there is no digest.

mod options;
mod view;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use healthcheck::{
    Failure, HttpConfig, HttpFailure, HttpLimits, HttpProbe, Page, ServerNameIndication,
    StatusList, Target, TlsConfig,
};
use keepalived_driver::clock::Clock;
use keepalived_driver::once;

use options::{Options, Wish};

/// The name under which the program is the hash generator and nothing else.
pub(crate) const NAME: &str = "genhash";

/// Run it; `words` come after the program's name, `called` is how it is named in the usage text.
pub(crate) fn run(called: &str, words: &[String]) -> ExitCode {
    match options::parse(words) {
        Ok(Wish::Help) => {
            eprint!("{}", options::usage(called));
            ExitCode::SUCCESS
        }
        Ok(Wish::Hash(options)) => hash(&options),
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            eprint!("{}", options::usage(called));
            ExitCode::FAILURE
        }
    }
}

fn hash(options: &Options) -> ExitCode {
    let begin = Clock.now();
    match fetch(options) {
        Ok(page) => {
            let took = Clock.now().saturating_duration_since(begin);
            // A closed pipe, as with `| head`, is no failure.
            let _ = show(&mut io::stdout().lock(), options, &page, took);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A page, and its digest.
struct Fetched {
    digest: [u8; 16],
    /// All that the server said, if somebody wants to look at it.
    record: Vec<u8>,
}

fn fetch(options: &Options) -> Result<Fetched, String> {
    let mut page = Page::new(&options.url);
    page.virtual_host.clone_from(&options.virtual_host);
    // No page has this one, so the failure tells which it has.
    page.expect.digest = Some([0; 16]);
    page.expect.status = StatusList::new([100..=599]);
    let mut config = HttpConfig::new(vec![page]);
    config.version = options.version;
    config.record = options.verbose;
    config.limits = HttpLimits {
        body: usize::MAX,
        ..HttpLimits::default()
    };
    if options.tls {
        let sni = if options.sni {
            ServerNameIndication::VirtualHost
        } else {
            ServerNameIndication::Off
        };
        config.tls = Some(TlsConfig::new(sni).map_err(|error| error.to_string())?);
    }
    let to = SocketAddr::new(options.server, options.port);
    let mut target = Target::new(to);
    target.mark = options.mark;
    let mut probe = HttpProbe::new(target, config, options.timeout);
    let digest = match once::attempt(&mut probe) {
        Ok(_) => [0; 16],
        Err(Failure::Http(HttpFailure::Digest { got, .. })) => {
            u128::from_str_radix(&got, 16).unwrap_or(0).to_be_bytes()
        }
        Err(failure) => return Err(format!("No page from {to}: {failure}")),
    };
    Ok(Fetched {
        digest,
        record: probe.take_record(),
    })
}

fn show(out: &mut impl Write, options: &Options, page: &Fetched, took: Duration) -> io::Result<()> {
    let digest = format!("{:032x}", u128::from_be_bytes(page.digest));
    if !options.verbose {
        return writeln!(out, "{digest}");
    }
    let (head, body) = view::split(&page.record);
    view::title(out, "    HTTP Header Buffer    ")?;
    view::dump(out, head)?;
    view::title(out, " HTTP Header Ascii Buffer ")?;
    out.write_all(head)?;
    writeln!(out)?;
    if !body.is_empty() {
        view::title(out, "        HTML Buffer        ")?;
    }
    view::dump(out, body)?;
    writeln!(out)?;
    view::title(out, "    HTML hash resulting    ")?;
    view::dump(out, &page.digest)?;
    view::title(out, " HTML hash final resulting ")?;
    writeln!(out, "{digest}")?;
    writeln!(
        out,
        "\nGlobal response time for [{}] = {} usecs",
        options.url,
        took.as_micros()
    )
}
