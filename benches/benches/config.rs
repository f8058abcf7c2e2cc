//! How long it takes to read a configuration.
//!
//! `language` is text to tree, `whole` is text to model. The aim: ten thousand instances in at most
//! 100 ms for the language, so that a reload is never held up by reading.

use std::fmt::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use keepalived_config::{MemorySource, Options, parse, read_tree};

fn main() {
    divan::main();
}

/// Instances as a template engine writes them: ten lines each.
fn instances(count: usize) -> String {
    let mut text = String::from("global_defs {\n    router_id bench\n}\n");
    for i in 0..count {
        let (vrid, high, low) = (i % 255 + 1, i / 250, i % 250);
        let _ = write!(
            text,
            "vrrp_instance VI_{i} {{\n    state BACKUP\n    interface eth{i}\n    \
             virtual_router_id {vrid}\n    priority 100 # the usual\n    advert_int 1\n    \
             virtual_ipaddress {{\n        10.{}.{}.{low}/24 dev eth{i}\n    }}\n}}\n",
            high / 250,
            high % 250,
        );
    }
    text
}

/// The same instances by way of one definition of several lines.
fn repeated(count: usize) -> String {
    format!(
        "$VI= \\\nvrrp_instance VI_${{I}} {{ \\\n    state BACKUP \\\n    interface eth${{I}} \\\n    \
         virtual_router_id 7 \\\n    priority 100 \\\n    advert_int 1 \\\n    virtual_ipaddress {{ \\\n        \
         10.0.0.1/24 dev eth${{I}} \\\n    }} \\\n}}\n~SEQ(I,1,{count}) $VI\n"
    )
}

/// Real servers with checkers: the largest files people have.
fn services(count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let _ = writeln!(
            text,
            "virtual_server 10.{}.{}.1 80 {{\n    lb_algo rr",
            i / 250,
            i % 250
        );
        for server in 1..=10 {
            let _ = write!(
                text,
                "    real_server 192.168.{}.{server} 80 {{\n        weight 1\n        TCP_CHECK {{\n            \
                 connect_timeout 3\n        }}\n    }}\n",
                i % 250
            );
        }
        text.push_str("}\n");
    }
    text
}

fn language(bencher: Bencher<'_, '_>, text: &str) {
    let mut source = MemorySource::new().with_file("k", text);
    bencher
        .counter(BytesCount::of_str(text))
        .bench_local(|| read_tree(&mut source, "k", &Options::default()));
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn language_instances(bencher: Bencher<'_, '_>, count: usize) {
    language(bencher, &instances(count));
}

#[divan::bench(args = [10_000])]
fn language_repeated_definition(bencher: Bencher<'_, '_>, count: usize) {
    language(bencher, &repeated(count));
}

#[divan::bench(args = [1_000, 10_000])]
fn language_services_of_ten_servers(bencher: Bencher<'_, '_>, count: usize) {
    language(bencher, &services(count));
}

#[divan::bench(args = [1_000, 10_000])]
fn whole_instances(bencher: Bencher<'_, '_>, count: usize) {
    let text = instances(count);
    let mut source = MemorySource::new().with_file("k", text.as_str());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| parse(&mut source, "k", &Options::default()));
}
