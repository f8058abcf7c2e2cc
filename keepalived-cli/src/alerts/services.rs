//! Services and servers: features 32.10 and 32.11.

use keepalived_driver::pipes::Topic;

use super::{Alerts, mail, tell_pipe};

/// UP or DOWN.
const fn word(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

impl Alerts {
    /// A server changed: `RS [198.51.100.1]:tcp:80 [192.0.2.1]:tcp:80 UP`.
    pub(crate) fn server(&mut self, service: &str, server: &str, up: bool) {
        self.balance_line(&format!("RS {server} {service} {}\n", word(up)));
    }

    /// A service has its quorum, or not: `VS [192.0.2.1]:tcp:80 UP`.
    pub(crate) fn service(&mut self, service: &str, up: bool) {
        self.balance_line(&format!("VS {service} {}\n", word(up)));
    }

    fn balance_line(&mut self, line: &str) {
        let log = &self.log;
        self.pipes
            .write(Topic::Balance, line, |report| tell_pipe(log, &report));
    }

    /// A mail about a server. LVS-18, RS-06.
    pub(crate) fn server_mail(&mut self, service: &str, server: &str, up: bool, body: String) {
        let up = word(up);
        let subject = format!("Realserver {server} of virtual server {service} - {up}");
        self.balance_mail(&subject, body);
    }

    /// A mail about a service. LVS-18.
    pub(crate) fn service_mail(&mut self, service: &str, up: bool, body: String) {
        self.balance_mail(&format!("Virtualserver {service} - {}", word(up)), body);
    }

    fn balance_mail(&mut self, subject: &str, body: String) {
        if let Some(plan) = &self.plan.mail {
            let server = plan.server.clone();
            let envelope = mail(plan, subject, body);
            self.post(&server, envelope);
        }
    }
}
