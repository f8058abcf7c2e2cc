//! Servers that nobody here wrote: exim, BIND's `named`, Apache. Each runs in the foreground, below the test,
//! with all of its files in a folder that goes with it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::netns::run;
use crate::peers::installed;
use crate::{Host, Scratch, clock, wait_until};

/// Apache starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// SMTP.
pub const MAIL: u16 = 2525;
/// DNS, over UDP and TCP.
pub const NAMES: u16 = 5300;
/// HTTP.
pub const WEB: u16 = 8080;
/// HTTP over TLS.
pub const TLS: u16 = 8443;

/// A server of somebody else.
#[derive(Debug)]
pub struct RealServer {
    scratch: Scratch,
    netns: String,
    command: fn(&Host, &Scratch) -> Command,
    port: u16,
    child: Option<Child>,
}

impl RealServer {
    /// Exim, which has rules for some recipients and puts all mails into one file. `None`, and a word about it, where it
    /// is not installed.
    #[must_use]
    pub fn exim(host: &Host) -> Option<Self> {
        if !installed("exim4") {
            return None;
        }
        let scratch = Scratch::new("exim");
        write(&scratch, "exim.conf", EXIM);
        let folders = ["spool", "log", "mail"].map(|name| scratch.file(name));
        for folder in &folders {
            fs::create_dir(folder).expect("scratch is writable");
        }
        // Who it becomes when it has its port.
        run(Command::new("chown").arg("Debian-exim").args(&folders));
        let command = |host: &Host, scratch: &Scratch| {
            let mut command = host.netns.command("/usr/sbin/exim4");
            command.arg("-C").arg(scratch.file("exim.conf")).arg("-bdf");
            command
        };
        Some(Self::new(host, scratch, command, MAIL))
    }

    /// A name server with authority over `example`, and over `broken`, whose zone it cannot read.
    #[must_use]
    pub fn named(host: &Host) -> Option<Self> {
        if !installed("named") {
            return None;
        }
        let scratch = Scratch::new("named");
        write(&scratch, "named.conf", NAMED);
        // Too long together for a datagram of 512 octets.
        let texts = (0..9).map(|number| format!("big TXT \"{number}{}\"\n", "x".repeat(200)));
        let zone = ZONE.to_owned() + &texts.collect::<String>();
        write(&scratch, "example.zone", &zone);
        write(&scratch, "broken.zone", "no zone\n");
        let command = |host: &Host, scratch: &Scratch| {
            let mut command = host.netns.command("/usr/sbin/named");
            command.args(["-f", "-n", "1", "-c"]);
            command.arg(scratch.file("named.conf"));
            command
        };
        Some(Self::new(host, scratch, command, NAMES))
    }

    /// A web server with two names, of which each has pages and a certificate of its own.
    #[must_use]
    pub fn apache(host: &Host) -> Option<Self> {
        if !installed("apache2") {
            return None;
        }
        let scratch = Scratch::new("apache");
        write(&scratch, "httpd.conf", APACHE);
        for (name, page) in [("other", "hello world\n"), ("good", "good page\n")] {
            fs::create_dir(scratch.file(name)).expect("scratch is writable");
            write(&scratch, &format!("{name}/index.html"), page);
            run(Command::new("openssl")
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
                .args(["ec_paramgen_curve:prime256v1", "-nodes", "-subj"])
                .arg(format!("/CN={name}.example"))
                .arg("-keyout")
                .arg(scratch.file(&format!("{name}.key")))
                .arg("-out")
                .arg(scratch.file(&format!("{name}.pem"))));
        }
        // Its length is not known when it begins: in chunks, or up to the end of the connection.
        let line = "<!--#echo var=\"DOCUMENT_NAME\" --> goes on\n";
        write(&scratch, "other/parts.shtml", &line.repeat(2000));
        write(&scratch, "other/empty.html", "");
        write(&scratch, "other/big.html", &"big\n".repeat(100_000));
        let command = |host: &Host, scratch: &Scratch| {
            let mut command = host.netns.command("/usr/sbin/apache2");
            command.arg("-f").arg(scratch.file("httpd.conf"));
            command.arg("-DFOREGROUND");
            command
        };
        Some(Self::new(host, scratch, command, WEB))
    }

    fn new(
        host: &Host,
        scratch: Scratch,
        command: fn(&Host, &Scratch) -> Command,
        port: u16,
    ) -> Self {
        let mut server = Self {
            scratch,
            netns: host.netns.name().to_owned(),
            command,
            port,
            child: None,
        };
        server.start(host);
        server
    }

    /// Starts it, at first or again, and waits until it listens.
    ///
    /// # Panics
    /// When it does not; the message has what it printed.
    pub fn start(&mut self, host: &Host) {
        let printed = self.file("printed");
        let output = File::create(&printed).expect("scratch is writable");
        let mut command = (self.command)(host, &self.scratch);
        let errors = output.try_clone().expect("one more descriptor");
        command.stdout(output).stderr(errors);
        self.child = Some(command.spawn().expect("it starts"));
        let port = format!("sport = :{}", self.port);
        let listens = || {
            host.netns
                .shell(&format!("ss -Hltn '{port}'"))
                .contains("LISTEN")
        };
        wait_until("the server listens", PATIENCE, || {
            let ended = self
                .child
                .as_mut()
                .is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            assert!(!ended, "{}", self.read("printed"));
            listens()
        });
    }

    /// SIGTERM, as from whoever stops services, and waits for its end.
    ///
    /// # Panics
    /// When it goes on.
    pub fn stop(&mut self) {
        assert!(self.end(), "the server goes on: {}", self.read("printed"));
    }

    /// Ends it so that it can end its own children, and lets those finish that it leaves alone, as exim does with
    /// deliveries: they write into the folder. Whether that was so in time; killed it is in any case.
    fn end(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return true;
        };
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a process id is not 0");
        let _just_ended = kill_process(pid, Signal::TERM);
        let empty = || run(Command::new("ip").args(["netns", "pids", &self.netns])).is_empty();
        // Twice, for a child may have a number that had been passed.
        let alone = || empty() && empty();
        let start = clock::now();
        let mut ended = false;
        while !ended && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(4));
            ended = matches!(child.try_wait(), Ok(Some(_))) && alone();
        }
        let _already_gone = child.kill();
        let _status = child.wait();
        ended
    }

    /// A file of it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    /// What is in a file of it so far.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        let octets = fs::read(self.file(name)).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _in_time = self.end();
    }
}

/// `DIR` in a text stands for the folder.
fn write(scratch: &Scratch, name: &str, text: &str) {
    let text = text.replace("DIR", scratch.path().to_str().expect("a path in UTF-8"));
    fs::write(scratch.file(name), text).expect("scratch is writable");
}

/// Strict about the order of the dialogue and about heads, as Debian's own configuration is. It has its own mind about a
/// few recipients: `nobody`, and `later` as long as there is no file `known`.
const EXIM: &str = r"
primary_hostname = mx.example
spool_directory = DIR/spool
log_file_path = DIR/log/%s
pid_file_path = DIR/log/pid
local_interfaces = 0.0.0.0
daemon_smtp_ports = 2525
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
log_selector = +all
acl_smtp_helo = helo
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
helo:
 deny condition = ${if eq{$sender_helo_name}{stranger.example}}
  message = say EHLO
 accept
rcpt:
 deny local_parts = nobody
  message = no such user
 defer local_parts = later
  condition = ${if exists{DIR/known}{no}{yes}}
  message = we do not know you yet
 accept
data:
 deny condition = ${if > {$max_received_linelength}{998}}
  message = maximum allowed line length is 998 octets, got $max_received_linelength
 deny condition = ${if match{$message_headers_raw}{\N[\x80-\xff]\N}}
  message = the head is not ASCII
 deny !verify = header_syntax
  message = header syntax
 deny condition = ${if and{{def:h_Date:}{def:h_From:}{def:h_To:}{def:h_Subject:}}{no}{yes}}
  message = a field is missing
 accept
begin routers
many:
 driver = redirect
 condition = ${if match{$local_part}{^admin}}
 data = :blackhole:
all:
 driver = accept
 transport = file
begin transports
file:
 driver = appendfile
 file = DIR/mail/box
 envelope_to_add
 return_path_add
 user = Debian-exim
begin retry
* * F,1h,15m
";

const NAMED: &str = r#"
options {
 directory "DIR";
 pid-file none;
 session-keyfile "DIR/session.key";
 managed-keys-directory "DIR";
 listen-on port 5300 { any; };
 listen-on-v6 { none; };
 recursion no;
 dnssec-validation no;
 notify no;
 empty-zones-enable no;
};
controls { };
zone "example" { type primary; file "example.zone"; };
zone "broken" { type primary; file "broken.zone"; };
"#;

const ZONE: &str = r#"$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ MX 10 mx
ns A 192.0.2.1
mx A 192.0.2.1
www A 192.0.2.1
www AAAA 2001:db8::1
www TXT "hello world"
alias CNAME www
"#;

const APACHE: &str = r#"
ServerRoot /usr/lib/apache2
ServerName lab
PidFile DIR/pid
ErrorLog DIR/error.log
DefaultRuntimeDir DIR
Mutex file:DIR default
User www-data
Group www-data
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule mime_module modules/mod_mime.so
LoadModule dir_module modules/mod_dir.so
LoadModule filter_module modules/mod_filter.so
LoadModule include_module modules/mod_include.so
LoadModule alias_module modules/mod_alias.so
LoadModule ssl_module modules/mod_ssl.so
TypesConfig /dev/null
AddType text/html .html .shtml
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
LogFormat "%r host=%{Host}i sni=%{SSL_TLS_SNI}x" seen
CustomLog DIR/seen.log seen
Listen 8080
Listen 8443
Redirect 301 /old http://192.0.2.1/
Redirect 410 /gone
<Directory DIR>
 Require all granted
 Options +Includes
 AddOutputFilter INCLUDES .shtml
</Directory>
<VirtualHost *:8080>
 ServerName other.example
 DocumentRoot DIR/other
</VirtualHost>
<VirtualHost *:8080>
 ServerName good.example
 DocumentRoot DIR/good
</VirtualHost>
<VirtualHost *:8443>
 ServerName other.example
 DocumentRoot DIR/other
 SSLEngine on
 SSLCertificateFile DIR/other.pem
 SSLCertificateKeyFile DIR/other.key
</VirtualHost>
<VirtualHost *:8443>
 ServerName good.example
 DocumentRoot DIR/good
 SSLEngine on
 SSLStrictSNIVHostCheck on
 SSLCertificateFile DIR/good.pem
 SSLCertificateKeyFile DIR/good.key
</VirtualHost>
"#;
