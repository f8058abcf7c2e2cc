//! Tables in the words of `ipvsadm -Sn`, which `ipvsadm -R` reads. Connection thresholds are among
//! them, which `ipvsadm -Sn` itself leaves out.

use std::fmt;
use std::net::SocketAddr;

use crate::destination::{Checksum, Destination, Forward, Tunnel};
use crate::service::{Family, Granularity, Protocol, Service, ServiceFlags, ServiceKey};
use crate::table::{Op, Table};

/// `-t 192.0.2.100:80`
struct Who<'a>(&'a ServiceKey);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            ServiceKey::Address {
                protocol,
                address,
                port,
            } => {
                let option = match protocol {
                    Protocol::UDP => "-u",
                    Protocol::SCTP => "--sctp-service",
                    _ => "-t",
                };
                write!(f, "{option} {}", SocketAddr::new(address, port))
            }
            ServiceKey::Mark { mark, family } => {
                let six = if family == Family::Ipv6 { " -6" } else { "" };
                write!(f, "-f {mark}{six}")
            }
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -s {}", Who(&self.key), self.scheduler)?;
        if let Some(persistence) = self.persistence {
            write!(f, " -p {}", persistence.timeout)?;
            match persistence.granularity {
                Granularity::Host => {}
                Granularity::Mask(mask) => write!(f, " -M {mask}")?,
                Granularity::Prefix(length) => write!(f, " -M {length}")?,
            }
        }
        if let Some(engine) = &self.engine {
            write!(f, " --pe {engine}")?;
        }
        if self.flags.contains(ServiceFlags::ONE_PACKET) {
            f.write_str(" -o")?;
        }
        scheduler_flags(self, f)
    }
}

fn scheduler_flags(service: &Service, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let names = match service.scheduler.as_str() {
        "sh" => ["sh-fallback", "sh-port", "flag-3"],
        "mh" => ["mh-fallback", "mh-port", "flag-3"],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let flags = [
        ServiceFlags::SCHEDULER_1,
        ServiceFlags::SCHEDULER_2,
        ServiceFlags::SCHEDULER_3,
    ];
    let set = flags.into_iter().zip(names);
    let mut set = set.filter(|(flag, _)| service.flags.contains(*flag));
    if let Some((_, first)) = set.next() {
        write!(f, " -b {first}")?;
    }
    set.try_for_each(|(_, name)| write!(f, ",{name}"))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.forward {
            Forward::Masquerade => "-m",
            Forward::Tunnel(_) => "-i",
            // ipvsadm has no option for the two others.
            Forward::DirectRoute | Forward::LocalNode | Forward::Bypass => "-g",
        };
        write!(f, "-r {} {method} -w {}", self.key, self.weight)?;
        match self.forward {
            Forward::Tunnel(Tunnel::Ipip) => f.write_str(" --tun-type ipip")?,
            Forward::Tunnel(Tunnel::Gue { port, checksum }) => {
                let checksum = word(checksum);
                write!(f, " --tun-type gue --tun-port {port} --tun-{checksum}")?;
            }
            Forward::Tunnel(Tunnel::Gre { checksum }) => {
                write!(f, " --tun-type gre --tun-{}", word(checksum))?;
            }
            _ => {}
        }
        if self.upper_threshold != 0 {
            write!(f, " -x {}", self.upper_threshold)?;
        }
        if self.lower_threshold != 0 {
            write!(f, " -y {}", self.lower_threshold)?;
        }
        Ok(())
    }
}

fn word(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::None => "nocsum",
        Checksum::Full => "csum",
        Checksum::Remote => "remcsum",
    }
}

/// As the arguments of `ipvsadm` that do the same.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewService(service) => write!(f, "-A {service}"),
            Self::SetService(service) => write!(f, "-E {service}"),
            Self::DelService(key) => write!(f, "-D {}", Who(key)),
            Self::NewDest(key, destination) => write!(f, "-a {} {destination}", Who(key)),
            Self::SetDest(key, destination) => write!(f, "-e {} {destination}", Who(key)),
            Self::DelDest(key, destination) => write!(f, "-d {} -r {destination}", Who(key)),
        }
    }
}

/// As `ipvsadm -Sn` prints it: a line for each service, then one for each of its destinations.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.entries() {
            let service = entry.service();
            writeln!(f, "-A {service}")?;
            for destination in entry.destinations() {
                writeln!(f, "-a {} {destination}", Who(&service.key))?;
            }
        }
        Ok(())
    }
}
