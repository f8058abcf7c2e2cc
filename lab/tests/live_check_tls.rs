//! Who TLS checks are, and whom they believe: a server that wants a certificate, and has one of an authority.

use std::fs;
use std::process::Child;
use std::time::Duration;

use lab::balancer::Balancer;
use lab::{Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
const PORT: u16 = 9443;

/// An authority, a server whose certificate it signed for 10.9.0.2 and `good.example`, and a client whose key
/// has a password. Another authority has signed nothing.
const PKI: &str = r#"
set -e
cd DIR
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
for ca in ca other; do
    key $ca
    openssl req -x509 -new -key $ca.key -subj /CN=$ca -days 30 -out $ca.pem
done
sign() { openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out $1.pem $2 $3; }
for name in server client; do
    key $name
    openssl req -new -key $name.key -subj /CN=$name -out $name.csr
done
printf 'subjectAltName=IP:10.9.0.2,DNS:good.example\n' > names
sign server -extfile names
printf 'extendedKeyUsage=clientAuth\n' > use
sign client -extfile use
key self
openssl req -x509 -new -key self.key -subj /CN=self -days 30 -addext 'subjectAltName=IP:10.9.0.2' -out self.pem
openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.key -passout 'pass:ge heim' -out sealed.key
openssl ec -in client.key -aes128 -passout 'pass:ge heim' -out legacy.key
"#;

const NGINX: &str = r#"
pid DIR/nginx.pid; error_log DIR/error.log; daemon off; master_process off;
events {}
http {
    access_log off;
    client_body_temp_path DIR/t1; proxy_temp_path DIR/t2; fastcgi_temp_path DIR/t3;
    uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
    server {
        listen 0.0.0.0:9443 ssl;
        ssl_certificate DIR/server.pem; ssl_certificate_key DIR/server.key;
        ssl_client_certificate DIR/ca.pem; ssl_verify_client optional;
        location / { return 200 "ok"; }
        location /known { if ($ssl_client_verify != "SUCCESS") { return 403; } return 200 "ok"; }
    }
    server {
        listen 0.0.0.0:9444 ssl;
        ssl_certificate DIR/self.pem; ssl_certificate_key DIR/self.key;
        location / { return 200 "ok"; }
    }
}
"#;

/// The servers of a [`Balancer`], and this one beside them.
struct Bench {
    balancer: Balancer,
    files: Scratch,
    nginx: Child,
}

impl Bench {
    fn new() -> Self {
        let balancer = Balancer::new();
        let files = Scratch::new("tls");
        let folder = files.path().to_str().expect("a path in UTF-8").to_owned();
        let b = balancer.lan.host("b");
        b.netns.shell(&format!(
            "( {} ) >/dev/null 2>&1",
            PKI.replace("DIR", &folder)
        ));
        let conf = files.file("nginx.conf");
        fs::write(&conf, NGINX.replace("DIR", &folder)).expect("scratch is writable");
        let nginx = b.netns.command("nginx").arg("-c").arg(&conf).spawn();
        let nginx = nginx.expect("nginx starts");
        wait_until("nginx listens", PATIENCE, || {
            let listening = b.netns.shell("ss -Hltn 'sport = :9443'");
            !listening.trim().is_empty()
        });
        Self {
            balancer,
            files,
            nginx,
        }
    }

    /// One check with these lines: whether it passes, and the reason if it does not.
    fn verdict(&mut self, ssl: &str, lines: &str, page: &str) -> Result<(), String> {
        let folder = self.files.path().to_str().expect("a path in UTF-8");
        let text = format!(
            "SSL {{\n{ssl}\n}}\nvirtual_server 10.8.0.1 80 {{\n protocol TCP\n lvs_sched rr\n lvs_method NAT\n delay_loop 1000\n \
             warmup 0\n retry 0\n connect_timeout 5\n alpha\n real_server 10.9.0.2 {PORT} {{\n SSL_GET {{\n{lines}\n url {{\n \
             path {page}\n }}\n }}\n }}\n}}\n"
        )
        .replace("FILES", folder);
        let _pipe = self.balancer.start(Scratch::new("tls"), "", &text);
        let mut seen = serde_json::Value::Null;
        wait_until("there is a verdict", PATIENCE, || {
            let status = self.balancer.daemon().status();
            seen = status["balance"]["services"][0]["servers"][0].clone();
            seen["state"] == "UP" || !seen["checks"][0]["last_failure"].is_null()
        });
        if seen["state"] == "UP" {
            Ok(())
        } else {
            let reason = seen["checks"][0]["last_failure"]["reason"].as_str();
            Err(reason.unwrap_or_default().to_owned())
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _gone = self.nginx.kill();
        let _status = self.nginx.wait();
    }
}

#[track_caller]
fn fails(verdict: Result<(), String>, with: &str) {
    let reason = verdict.expect_err("it passes");
    assert!(reason.contains(with), "{reason}");
}

/// CHK-13.
///
/// Flips: SSL.password.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_key_with_a_password_is_opened_with_that_of_the_file() {
    let mut bench = Bench::new();
    let identity = |key: &str, password: &str| {
        format!("certificate FILES/client.pem\n key FILES/{key}\n {password}")
    };
    let password = "password \"ge heim\"";
    assert_eq!(
        bench.verdict(&identity("sealed.key", password), "", "/known"),
        Ok(())
    );
    let without = bench.verdict(&identity("sealed.key", ""), "", "/known");
    fails(
        without,
        "sealed.key of `key` cannot be used: the private key has a password",
    );
    let wrong = bench.verdict(&identity("sealed.key", "password other"), "", "/known");
    fails(
        wrong,
        "sealed.key of `key` cannot be used: the password does not open",
    );
    let legacy = bench.verdict(&identity("legacy.key", password), "", "/known");
    fails(legacy, "openssl pkcs8 -topk8");
    // A password too much.
    assert_eq!(
        bench.verdict(&identity("client.key", password), "", "/known"),
        Ok(())
    );
    fails(bench.verdict("", "", "/known"), "403");
}

/// CHK-12: anybody is believed unless that is not wanted.
///
/// Flips: SSL.ca, virtual_server.real_server.SSL_GET.ssl_verify.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_is_verified_where_the_line_says_so() {
    let mut bench = Bench::new();
    let (ca, other) = ("ca FILES/ca.pem", "ca FILES/other.pem");
    assert_eq!(bench.verdict(other, "", "/"), Ok(()));
    assert_eq!(bench.verdict(ca, "ssl_verify", "/"), Ok(()));
    assert_eq!(
        bench.verdict(ca, "ssl_verify\n sni_name good.example", "/"),
        Ok(())
    );
    fails(
        bench.verdict(other, "ssl_verify", "/"),
        "certificate: none of the `ca` has signed it",
    );
    fails(
        bench.verdict(ca, "ssl_verify\n sni_name bad.example", "/"),
        "certificate: it is not for `bad.example`, but for 10.9.0.2, good.example",
    );
    // One that signs itself is believed where it is given itself.
    let own = "ssl_verify\n connect_port 9444";
    assert_eq!(bench.verdict("ca FILES/self.pem", own, "/"), Ok(()));
    fails(bench.verdict(ca, own, "/"), "not itself one of the `ca`");
    fails(
        bench.verdict("", "ssl_verify", "/"),
        "`ssl_verify` needs the `ca` of an `SSL` block",
    );
}
