//! How packets reach a server: `lb_kind`, `lvs_method`, `sorry_server_lvs_method`.

use crate::diagnostic::Diagnostics;
use crate::model::balance::{Forwarding, Tunnel, TunnelChecksum};
use crate::model::read::line::{Line, refuse};
use crate::tree::{Node, Word};

use super::LEFT_OUT;

/// Whether a server or the sorry server of a service is reached as the service says, so that
/// it has to say so.
pub(super) fn asked_of(service: &Node) -> bool {
    let has = |node: &Node, keyword| node.entries().iter().any(|one| one.keyword() == keyword);
    let of_service = |one: &Node| one.keyword() == "real_server" && !has(one, "lvs_method");
    let of_sorry = has(service, "sorry_server") && !has(service, "sorry_server_lvs_method");
    of_sorry || service.entries().iter().any(of_service)
}

/// `NAT|DR|TUN [type ipip|gue|gre] [port N] [nocsum|csum|remcsum]`. LVS-06.
pub(super) fn forwarding(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Forwarding> {
    let what = "NAT, DR or TUN";
    let word = line.required(what, diagnostics)?;
    match word.as_str() {
        "NAT" | "DR" => {
            line.at_most(1, diagnostics);
            let nat = word.as_str() == "NAT";
            Some(if nat {
                Forwarding::Nat
            } else {
                Forwarding::DirectRouting
            })
        }
        "TUN" => {
            let rest = line.node.arguments().get(1..).unwrap_or_default();
            tunnel(line, rest, diagnostics).map(Forwarding::Tunnel)
        }
        _ => {
            refuse(
                diagnostics,
                "bad-method",
                line.keyword(),
                what,
                word,
                LEFT_OUT,
            );
            None
        }
    }
}

fn tunnel(line: Line<'_>, words: &[Word], diagnostics: &mut Diagnostics) -> Option<Tunnel> {
    let (mut kind, mut port, mut checksum) = ("ipip", None, None);
    let mut words = words.iter();
    let mut last = None;
    while let Some(word) = words.next() {
        last = Some(word);
        let bad = match word.as_str() {
            "type" => match words.next() {
                Some(value) if ["ipip", "gue", "gre"].contains(&value.as_str()) => {
                    kind = value.as_str();
                    None
                }
                value => Some(("`type` takes ipip, gue or gre", value)),
            },
            "port" => {
                let value = words.next();
                let number = value.and_then(|value| value.as_str().parse::<u16>().ok());
                port = number.filter(|port| *port > 0);
                port.is_none()
                    .then_some(("`port` takes a number from 1 to 65535", value))
            }
            "nocsum" => {
                checksum = Some(TunnelChecksum::None);
                None
            }
            "csum" => {
                checksum = Some(TunnelChecksum::Full);
                None
            }
            "remcsum" => {
                checksum = Some(TunnelChecksum::Remote);
                None
            }
            _ => Some((
                "a tunnel has `type`, `port`, `nocsum`, `csum` and `remcsum`",
                Some(word),
            )),
        };
        if let Some((message, culprit)) = bad {
            let span = culprit.unwrap_or(word).span;
            diagnostics
                .error("bad-tunnel", span, message)
                .help(LEFT_OUT);
            return None;
        }
    }
    let remote = checksum == Some(TunnelChecksum::Remote);
    let complaint = match kind {
        "ipip" if port.is_some() || checksum.is_some() => {
            Some("an ipip tunnel has neither port nor checksum")
        }
        "gre" if port.is_some() || remote => Some("a gre tunnel has neither port nor remcsum"),
        "gue" if port.is_none() => Some("a gue tunnel needs a port"),
        _ => None,
    };
    if let Some(message) = complaint {
        let span = last.map_or_else(|| line.node.span(), |word| word.span);
        diagnostics
            .error("bad-tunnel", span, message)
            .help(LEFT_OUT);
        return None;
    }
    let checksum = checksum.unwrap_or_default();
    Some(match (kind, port) {
        ("gue", Some(port)) => Tunnel::Gue { port, checksum },
        ("gre", _) => Tunnel::Gre { checksum },
        _ => Tunnel::Ipip,
    })
}
