//! The page in a real browser, where there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keepalived_driver::clock::Clock;

use super::samples::{crowded, hostile};
use crate::simulate::page::page;

/// Longest time for one page; a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("KEEPALIVED_CHROMIUM").map(PathBuf::from);
    let usual = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let usual = usual.into_iter().map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.exists())
}

/// Ends what did not end by itself.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The document as the browser has it after it ran the scripts, or nothing if it took too long.
fn dom(program: &Path, folder: &Path, file: &Path) -> Option<String> {
    let output = folder.join("dom.html");
    let child = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--window-size=700,1400",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Nobody is to be found, so that a page that asks for something is a broken page.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .stdout(fs::File::create(&output).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let mut child = Guard(child);
    let deadline = Clock.now() + PATIENCE;
    while child.0.try_wait().expect("a child").is_none() {
        if Clock.now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::read_to_string(output).ok()
}

/// `KEEPALIVED_PAGE_KEEP=FOLDER` keeps the pages, to be looked at.
#[test]
fn a_browser_shows_every_bar_and_runs_no_script_but_ours() {
    let Some(program) = browser() else {
        eprintln!("SKIPPED: there is no Chromium; KEEPALIVED_CHROMIUM names one");
        return;
    };
    let kept = std::env::var_os("KEEPALIVED_PAGE_KEEP").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("keepalived-page-{}", std::process::id()))
    });
    fs::create_dir_all(&folder).expect("a folder");
    for (name, document) in [("crowded", crowded()), ("hostile", hostile())] {
        let file = folder.join(format!("{name}.html"));
        fs::write(&file, page(&document)).expect("a file");
        let Some(dom) = dom(&program, &folder, &file) else {
            eprintln!("SKIPPED: the browser did not end within {PATIENCE:?}");
            return;
        };
        let bars = document.spans.len() + document.outages.len() + document.conflicts.len();
        assert_eq!(dom.matches("class=\"shape bar ").count(), bars, "{name}");
        assert_eq!(dom.matches("<script").count(), 1, "{name}");
        assert!(!dom.contains("<img"), "{name}");
        // Our own script ran: what it adds is there.
        assert!(
            dom.contains("<p id=\"detail\" class=\"detail\" aria-live=\"polite\">"),
            "{name}"
        );
        assert!(dom.trim_end().ends_with("</html>"), "{name}");
    }
    if kept.is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
}

/// Marks the page with what it finds: a table that is wider than the window, and a caption that ends beyond it.
const MEASURE: &str = "<script>for(const caption of document.querySelectorAll('caption')){\
    const seen=caption.closest('.scroll'),text=document.createRange();text.selectNodeContents(caption);\
    if(seen.scrollWidth>seen.clientWidth)document.body.dataset.scrolls='';\
    if(text.getBoundingClientRect().right>seen.getBoundingClientRect().right)\
    document.body.dataset.cut=caption.textContent}</script></body>";

#[test]
fn a_caption_is_seen_whole_where_its_table_is_wider_than_the_window() {
    let Some(program) = browser() else {
        eprintln!("SKIPPED: there is no Chromium; KEEPALIVED_CHROMIUM names one");
        return;
    };
    let folder = format!("keepalived-narrow-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("narrow.html");
    let html = page(&crowded()).replace("</body>", MEASURE);
    fs::write(&file, html).expect("a file");
    let dom = dom(&program, &folder, &file);
    let _ = fs::remove_dir_all(&folder);
    let Some(dom) = dom else {
        eprintln!("SKIPPED: the browser did not end within {PATIENCE:?}");
        return;
    };
    let body = dom.lines().find(|line| line.starts_with("<body"));
    assert_eq!(body, Some("<body data-scrolls=\"\">"));
}
