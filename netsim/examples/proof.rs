//! The big run of the proof: `--seeds N` scenarios on two threads, or `--seed N` for one of them, with
//! `--trace` for the whole story. The exit code is 1 if an invariant is violated.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests, each uses its part"
)]
#[path = "../tests/proof/mod.rs"]
mod proof;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests, each uses its part"
)]
#[path = "../tests/sessions/mod.rs"]
mod sessions;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proof::figures::Figures;

struct Arguments {
    first: u64,
    seeds: u64,
    seed: Option<u64>,
    trace: bool,
    weak: bool,
    only: Option<Only>,
    failures: usize,
}

/// One of the two proofs.
#[derive(Copy, Clone)]
enum Only {
    Vrrp,
    Bfd,
}

type All = (Figures, sessions::Figures);

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        first: 0,
        seeds: 100_000,
        seed: None,
        trace: false,
        weak: false,
        only: None,
        failures: 1,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words
                .next()
                .ok_or_else(|| format!("{word} needs a number"))?;
            text.parse::<u64>()
                .map_err(|error| format!("{word} {text}: {error}"))
        };
        match word.as_str() {
            "--first" => found.first = number()?,
            "--seeds" => found.seeds = number()?,
            "--seed" => found.seed = Some(number()?),
            "--failures" => found.failures = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--trace" => found.trace = true,
            // Is there anything that only the comparison with the model finds?
            "--weak" => found.weak = true,
            "--vrrp" => found.only = Some(Only::Vrrp),
            "--bfd" => found.only = Some(Only::Bfd),
            _ => {
                return Err(format!(
                    "{word}? I know --seeds --seed --trace --first --failures --vrrp --bfd"
                ));
            }
        }
    }
    Ok(found)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = arguments.seed {
        if arguments.trace {
            for scenario in proof::scenarios(seed) {
                println!("{}", proof::story(&scenario, usize::MAX));
            }
        }
        let both = proof::check(seed).and_then(|vrrp| Ok((vrrp, sessions::check(seed)?)));
        return match both {
            Ok(figures) => {
                print(&figures);
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let (figures, failures) = run(&arguments);
    for failure in failures.iter().take(arguments.failures) {
        println!("{failure}\n");
    }
    print(&figures);
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("FAILED: {} seeds violate an invariant", failures.len());
    ExitCode::FAILURE
}

fn by_the_global_rules(seed: u64) -> Result<Figures, String> {
    let mut all = Figures::default();
    for scenario in proof::scenarios(seed) {
        let (figures, _) = proof::run_with(&scenario, true)
            .map_err(|violation| format!("seed {seed} violates {violation}"))?;
        all.add(&figures);
    }
    Ok(all)
}

/// Runs all seeds, up to the first few failures.
fn run(arguments: &Arguments) -> (All, Vec<String>) {
    let next = AtomicU64::new(arguments.first);
    let end = arguments.first.saturating_add(arguments.seeds);
    let failures = Mutex::new(Vec::new());
    let work = || {
        let mut figures = All::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return figures;
            }
            let result = match (arguments.only, arguments.weak) {
                (Some(Only::Bfd), _) => Ok(Figures::default()),
                (_, false) => proof::check(seed),
                (_, true) => by_the_global_rules(seed),
            };
            let result = result.and_then(|more| match arguments.only {
                Some(Only::Vrrp) => Ok((more, sessions::Figures::default())),
                _ => Ok((more, sessions::check(seed)?)),
            });
            match result {
                Ok((more, bfd)) => {
                    figures.0.add(&more);
                    figures.1.add(&bfd);
                }
                Err(failure) => {
                    let mut failures = failures.lock().expect("no thread panics");
                    failures.push(failure);
                    if failures.len() >= arguments.failures {
                        next.store(end, Ordering::Relaxed);
                    }
                }
            }
        }
    };
    let mut all = All::default();
    std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        for thread in threads {
            let (vrrp, bfd) = thread.join().expect("no thread panics");
            all.0.add(&vrrp);
            all.1.add(&bfd);
        }
    });
    (all, failures.into_inner().expect("no thread panics"))
}

fn print((figures, bfd): &All) {
    let millis = |nanos: i64| format!("{:.6} ms", nanos as f64 / 1e6);
    println!("seeds                {}", figures.seeds);
    println!(
        "virtual time         {:.1} hours",
        figures.nanos as f64 / 3.6e12
    );
    println!("records              {}", figures.records);
    println!("adverts              {}", figures.adverts);
    println!("transitions          {}", figures.transitions);
    println!("convergence checks   {}", figures.converged);
    println!("crash takeovers      {}", figures.takeovers);
    println!("graceful hand-overs  {}", figures.hand_overs);
    let (latest, seed) = figures.latest;
    println!(
        "latest takeover      {} after 3A + S, L is up to 300 ms (seed {seed})",
        millis(latest)
    );
    println!("clashes of Actives   {}", figures.clashes);
    println!("host checks          {}", figures.host_checks);
    let (darkest, seed) = figures.darkest;
    println!(
        "host outages         {}, longest {} (seed {seed})",
        figures.outages,
        millis(darkest)
    );
    println!("set aside            {}", figures.tainted);
    println!("BFD packets          {}", bfd.packets);
    println!(
        "BFD sessions dropped {}, {} for losses alone, {} after exactly the detection time",
        bfd.drops, bfd.drops_for_loss, bfd.exact_drops
    );
    println!("BFD cuts noticed     {}", bfd.cuts);
    println!("BFD gaps measured    {}", bfd.gaps);
    println!("BFD poll sequences   {}", bfd.polls);
    let (longest, seed) = bfd.longest_clash;
    println!(
        "BFD takeovers        {}; clashes {}, longest {} (seed {seed})",
        bfd.takeovers,
        bfd.clashes,
        millis(longest)
    );
}
