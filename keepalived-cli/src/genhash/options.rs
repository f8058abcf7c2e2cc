//! The command line of the hash generator.

use std::net::IpAddr;
use std::time::Duration;

use healthcheck::HttpVersion;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Help,
    Hash(Options),
}

/// Which page, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) tls: bool,
    /// Send the virtual host in the TLS greeting.
    pub(super) sni: bool,
    pub(super) server: IpAddr,
    pub(super) port: u16,
    pub(super) url: String,
    pub(super) virtual_host: Option<String>,
    pub(super) version: HttpVersion,
    pub(super) mark: u32,
    pub(super) timeout: Duration,
    pub(super) verbose: bool,
}

/// keepalived's connect timeout.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Both spellings, and whether a value follows.
const FLAGS: &[(char, &str, bool)] = &[
    ('S', "use-ssl", false),
    ('I', "use-sni", false),
    ('s', "server", true),
    ('p', "port", true),
    ('u', "url", true),
    ('V', "use-virtualhost", true),
    ('P', "protocol", true),
    ('m', "fwmark", true),
    ('t', "timeout", true),
    ('v', "verbose", false),
    ('h', "help", false),
];

pub(super) fn usage(called: &str) -> String {
    format!(
        "Usage: {called} [OPTIONS] -s ADDRESS -p PORT -u PATH

The MD5 digest of a page, for `digest` in a `url` block of HTTP_GET or SSL_GET.

  -s, --server=ADDRESS         address of the server
  -p, --port=PORT              its port
  -u, --url=PATH               path of the page
  -S, --use-ssl                over TLS
  -I, --use-sni                with the virtual host in the TLS greeting
  -V, --use-virtualhost=HOST   virtual host
  -P, --protocol=VERSION       1.0, 1.0c (with Connection: close) or 1.1
  -m, --fwmark=MARK            mark on the packets
  -t, --timeout=SECONDS        for all of it (5)
  -v, --verbose                show the answer
  -h, --help                   print this and exit
"
    )
}

/// Read the words; an error is what to say before the usage text, maybe nothing.
pub(super) fn parse(words: &[String]) -> Result<Wish, String> {
    let (mut server, mut port, mut url) = (None, None, None);
    let (mut tls, mut sni, mut verbose) = (false, false, false);
    let (mut virtual_host, mut version) = (None, HttpVersion::default());
    let (mut mark, mut timeout) = (0, TIMEOUT);
    for (flag, value) in split(words)? {
        match flag {
            'S' => tls = true,
            'I' => sni = true,
            'v' => verbose = true,
            'h' => return Ok(Wish::Help),
            's' => {
                let address = value.trim_start_matches('[').trim_end_matches(']').parse();
                let wrong = |_| format!("server should be an IP, not {value}");
                server = Some(address.map_err(wrong)?);
            }
            'p' => {
                let number = value.parse().ok().filter(|port| *port != 0);
                let wrong = || format!("invalid port number '{value}'");
                port = Some(number.ok_or_else(wrong)?);
            }
            'u' => url = Some(value),
            'V' => virtual_host = Some(value),
            'P' => {
                version = match value.as_str() {
                    "1.0" => HttpVersion::Http10,
                    "1.0c" | "1.0C" => HttpVersion::Http10Close,
                    "1.1" => HttpVersion::Http11,
                    _ => return Err(format!("invalid HTTP protocol version '{value}'")),
                }
            }
            'm' => {
                let wrong = |_| format!("invalid fwmark '{value}'");
                mark = value.parse().map_err(wrong)?;
            }
            't' => {
                let seconds = value.parse().ok().and_then(|seconds: f64| {
                    let time = Duration::try_from_secs_f64(seconds).ok();
                    time.filter(|time| !time.is_zero())
                });
                timeout = seconds.ok_or_else(|| format!("invalid timeout '{value}'"))?;
            }
            _ => {}
        }
    }
    let (Some(server), Some(port), Some(url)) = (server, port, url) else {
        return Err(String::new());
    };
    Ok(Wish::Hash(Options {
        tls,
        sni,
        server,
        port,
        url,
        virtual_host,
        version,
        mark,
        timeout,
        verbose,
    }))
}

/// Each flag with its value, which is empty where there is none.
fn split(words: &[String]) -> Result<Vec<(char, String)>, String> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let known = FLAGS.iter().find(|(_, long, _)| *long == name);
            let &(flag, _, valued) =
                known.ok_or_else(|| format!("unrecognized option '{word}'"))?;
            let value = match (valued, attached) {
                (true, None) => words.next().cloned(),
                (false, Some(_)) => return Err(format!("option '--{name}' takes no value")),
                (_, attached) => attached.or_else(|| Some(String::new()).filter(|_| !valued)),
            };
            let value = value.ok_or_else(|| format!("option '--{name}' needs a value"))?;
            found.push((flag, value));
            continue;
        }
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Err(format!("Unexpected argument(s): {word}"));
        };
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let known = FLAGS.iter().find(|(short, _, _)| *short == letter);
            let &(flag, _, valued) =
                known.ok_or_else(|| format!("invalid option -- '{letter}'"))?;
            if !valued {
                found.push((flag, String::new()));
                continue;
            }
            let attached = rest.as_str().to_owned();
            let value = Some(attached).filter(|value| !value.is_empty());
            let value = value.or_else(|| words.next().cloned());
            let value = value.ok_or_else(|| format!("option -- '{letter}' needs a value"))?;
            found.push((flag, value));
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Wish, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    fn hash(line: &str) -> Options {
        match read(line) {
            Ok(Wish::Hash(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// GEN-01.
    #[test]
    fn flags_are_read_in_every_spelling() {
        let long = hash(
            "--use-ssl --use-sni --server 192.0.2.1 --port=443 --url /a --use-virtualhost h.example \
             --protocol 1.0c --fwmark 7 --timeout 2.5 --verbose",
        );
        let short = hash("-SIvs192.0.2.1 -p 443 -u/a -V h.example -P1.0C -m7 -t 2.5");
        assert_eq!(long, short);
        assert_eq!(long.timeout, Duration::from_millis(2500));
        assert_eq!((long.mark, long.version), (7, HttpVersion::Http10Close));
        let plain = hash("-s 2001:db8::1 -p 80 -u /");
        assert!(!plain.tls && !plain.sni && !plain.verbose && plain.mark == 0);
        assert_eq!((plain.timeout, plain.virtual_host), (TIMEOUT, None));
    }

    #[test]
    fn what_is_missing_or_wrong_is_an_error() {
        assert_eq!(read("-s 192.0.2.1 -u /"), Err(String::new()), "no port");
        for (line, expected) in [
            ("-s host -p 80 -u /", "server should be an IP, not host"),
            ("-p 99999", "invalid port number '99999'"),
            ("-p 0", "invalid port number '0'"),
            ("-P 2", "invalid HTTP protocol version '2'"),
            ("-m x", "invalid fwmark 'x'"),
            ("-t 0", "invalid timeout '0'"),
            ("-t", "option -- 't' needs a value"),
            ("--url", "option '--url' needs a value"),
            ("--verbose=1", "option '--verbose' takes no value"),
            ("-q", "invalid option -- 'q'"),
            ("--quick", "unrecognized option '--quick'"),
            ("x", "Unexpected argument(s): x"),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
        assert_eq!(read("-h"), Ok(Wish::Help));
    }
}
