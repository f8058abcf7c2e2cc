//! Where a check goes: the lines that all connecting checkers share.

use std::net::IpAddr;
use std::time::Duration;

use super::{Inherited, LEFT_OUT, keep};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{Source, Target};
use crate::model::read::line::Line;
use crate::schema::BROKEN_CHECK;
use crate::tree::Span;

/// CHK-01, CHK-02, CHK-04.
#[derive(Clone, Debug, Default)]
pub(super) struct Connect {
    address: Option<IpAddr>,
    port: Option<u16>,
    /// With the place of its line.
    bind_address: Option<(IpAddr, Span)>,
    bind_port: Option<u16>,
    bind_interface: Option<String>,
    mark: Option<u32>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

impl Connect {
    /// Takes a line that is one of them; false if it is another line.
    pub(super) fn take(&mut self, line: Line<'_>, diagnostics: &mut Diagnostics) -> bool {
        let address =
            |diagnostics: &mut Diagnostics| line.address(diagnostics).map(|(address, _)| address);
        match line.keyword() {
            "connect_ip" => keep(&mut self.address, address(diagnostics)),
            "connect_port" => keep(
                &mut self.port,
                line.number(1..=u16::MAX, LEFT_OUT, diagnostics),
            ),
            "bindto" => {
                let span = line.node.keyword_span();
                let bind = address(diagnostics).map(|address| (address, span));
                keep(&mut self.bind_address, bind);
            }
            "bind_port" => keep(
                &mut self.bind_port,
                line.number(1..=u16::MAX, LEFT_OUT, diagnostics),
            ),
            "bind_if" => {
                let word = line.interface(LEFT_OUT, diagnostics);
                keep(
                    &mut self.bind_interface,
                    word.map(|word| word.as_str().to_owned()),
                );
            }
            "fwmark" => keep(
                &mut self.mark,
                line.number(0..=u32::MAX, LEFT_OUT, diagnostics),
            ),
            _ => return false,
        }
        true
    }

    /// The target, where `server` is checked and nothing else was said.
    pub(super) fn target(
        self,
        server: (IpAddr, u16),
        default_port: u16,
        inherited: &Inherited,
        diagnostics: &mut Diagnostics,
    ) -> Target {
        let port = self.port.unwrap_or(if server.1 == 0 {
            default_port
        } else {
            server.1
        });
        let address = self.address.unwrap_or(server.0);
        let bind_address = self.bind_address.and_then(|(bind, span)| {
            let fits = bind.is_ipv4() == address.is_ipv4();
            if !fits {
                let message = format!(
                    "`bindto {bind}` has another address family than {address}, which is checked"
                );
                // At the line itself, as any mistake that makes the check none.
                diagnostics
                    .error("family-mismatch", span, message)
                    .help(BROKEN_CHECK);
            }
            fits.then_some(bind)
        });
        let source = Source {
            address: bind_address,
            port: self.bind_port,
            interface: self.bind_interface,
            mark: self.mark,
        };
        Target {
            address,
            port,
            source: (source != Source::default()).then(|| Box::new(source)),
            timeout: inherited.connect_timeout.unwrap_or(DEFAULT_TIMEOUT),
        }
    }
}
