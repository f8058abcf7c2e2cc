//! A small virtual machine with a Debian kernel, for what the kernel of this machine lacks.
//!
//! QEMU emulates the processor, so neither KVM nor rights are needed. The machine has no disk: its
//! files are an archive in memory, made of two: the base (busybox, kernel modules, made once and
//! cached) and the payload (the programs of this run with their shared libraries). What programs
//! print comes back over the console; the last line says whether all of them succeeded.
//!
//! Its time is the number of instructions it has executed (`-icount`), and jumps ahead when there is
//! nothing to do. With the host's clock, a kernel that boots on a busy host measures its timers
//! against each other wrongly: one ran seven times too fast, another found no timer at all. So a
//! second in there is the same work on every host, and waiting costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{output, succeeds};

/// What the guest prints last when every program succeeded.
pub(crate) const ALL_WELL: &str = "guest: all programs succeeded";

/// The kernel comes from here; the package names the present one.
const META_PACKAGE: &str = "linux-image-cloud-amd64";

/// Changed whenever [`MODULES`] or the base archive does, so that an old one is not used.
const FORMAT: &str = "3";

/// Kernel modules, by name or by the folder they are in; what they need comes along.
const MODULES: &[&str] = &[
    "net/netfilter/ipvs/",
    "net/netfilter/nft_",
    "crypto/crc32c_generic",
    "net/bridge/bridge.",
    "drivers/net/dummy",
    "drivers/net/ipvlan/",
    "drivers/net/macvlan",
    "drivers/net/nlmon",
    "drivers/net/tun",
    "drivers/net/veth",
    "drivers/net/vrf",
    "net/ipv4/fou",
    "net/ipv4/ip_gre",
    "net/ipv4/ipip",
    "net/ipv6/ip6_tunnel",
    "net/netfilter/nf_nat",
    "net/netfilter/nf_tables",
    "net/sched/sch_netem",
];

/// Memory of the machine in MiB; its files are in there too.
const MEMORY: &str = "1024";

/// Longest run of the machine in seconds of this one, which may be busy. A test that hangs is ended long before.
const LIMIT: &str = "2400";

/// A test program to run in the guest.
pub(crate) struct Program {
    /// Where it is on this machine.
    pub(crate) path: PathBuf,
    /// Its name there.
    pub(crate) name: String,
}

/// A machine ready to boot.
pub(crate) struct Machine {
    kernel: PathBuf,
    base: PathBuf,
}

impl Machine {
    /// Finds or makes the kernel and the base archive.
    pub(crate) fn prepare() -> Result<Self, String> {
        let cache = cache();
        let made = |folder: &Path| Self {
            kernel: folder.join("vmlinuz"),
            base: folder.join("base.cpio"),
        };
        // Whatever kernel was fetched once is good for good: no network is needed again.
        let old = fs::read_dir(&cache).into_iter().flatten().flatten();
        let old = old.map(|entry| made(&entry.path()));
        if let Some(old) = old.filter(Self::exists).last() {
            return Ok(old);
        }
        fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        let scratch = Scratch::new("base")?;
        let name = build(&scratch.0)?;
        let folder = cache.join(name);
        // In one step, for somebody else may be doing the same.
        let renamed = fs::rename(scratch.0.join("result"), &folder);
        let machine = made(&folder);
        if machine.exists() {
            Ok(machine)
        } else {
            Err(format!("{}: {renamed:?}", folder.display()))
        }
    }

    fn exists(&self) -> bool {
        self.kernel.exists() && self.base.exists()
    }

    /// The command that boots the machine, runs the tests whose name contains `filter` one after
    /// another, and ends. `tools` are programs that the tests call.
    pub(crate) fn command(
        &self,
        programs: &[Program],
        tools: &[Program],
        filter: Option<&str>,
    ) -> Result<(Command, Scratch), String> {
        let scratch = Scratch::new("payload")?;
        let tree = scratch.0.join("tree");
        let payload = tree.join("payload");
        let mut script = String::from(RUNNER);
        if let Ok(other) = std::env::var("KEEPALIVED_GUEST") {
            script += &format!("export KEEPALIVED_GUEST={other}\n");
        }
        for Program { path, name } in programs {
            put(path, &payload.join(name), &tree)?;
            let filter = filter.unwrap_or_default();
            script += &format!("all {name} {filter}\n");
        }
        for Program { path, name } in tools {
            put(path, &payload.join(name), &tree)?;
        }
        script += "echo \"guest: seconds up and idle: $(cat /proc/uptime)\"\n";
        script += &format!("[ $bad = 0 ] && echo '{ALL_WELL}'\n");
        write(&payload.join("run"), &script)?;
        let archive = scratch.0.join("initrd");
        fs::copy(&self.base, &archive).map_err(|error| error.to_string())?;
        pack(&tree, &archive)?;
        let mut command = Command::new("nice");
        command.args(["-n", "19", "timeout", LIMIT, "qemu-system-x86_64"]);
        command.args(["-accel", "tcg", "-cpu", "max"]);
        // A nanosecond for each instruction.
        command.args(["-icount", "shift=0,sleep=off"]);
        command.args(["-m", MEMORY, "-nographic", "-no-reboot", "-nic", "none"]);
        command.arg("-kernel").arg(&self.kernel);
        command.arg("-initrd").arg(&archive);
        // At the same addresses each time, code has not to be translated again for each process.
        let kernel = "console=ttyS0 panic=-1 mitigations=off norandmaps quiet loglevel=1";
        command.args(["-append", kernel]);
        Ok((command, scratch))
    }
}

/// Runs each test as a process of its own, so that one that hangs is found by name: then what each
/// task waits for is shown, and the others go on.
const RUNNER: &str = r#"bad=0
export KEEPALIVED_LIVE=1 KEEPALIVED_COUNTED_TIME=1
export KEEPALIVED_RS_BIN=/payload/keepalived-rs KEEPALIVED_C_BIN=/payload/keepalived
stuck() {
    echo "guest: $2 did not end; what each task waits for:"
    for task in /proc/[0-9]*/task/[0-9]*; do
        stack=$(cat $task/stack 2>/dev/null)
        # A kernel thread that sleeps has nothing to do.
        case "$(cut -d' ' -f3 $task/stat 2>/dev/null) $stack" in
            ' '*|[SI]*kthread*) continue ;;
        esac
        echo "$task $(cat $task/comm)"
        echo "$stack"
    done
    dmesg | tail -n 30
    kill -9 -$1
}
# The programs that run; a kernel thread has no command line. Nothing is started to see that.
programs() {
    for process in /proc/[0-9]*; do
        words=
        { read -r words < $process/cmdline; } 2>/dev/null
        [ -n "$words" ] && echo "${process#/proc/}"
    done
}
# What a test has left: said, and taken away, for it may keep a network namespace with its services.
tidy() {
    for process in $(programs); do
        case " $before " in *" $process "*) continue ;; esac
        [ -e /proc/$process ] || continue
        words=$(tr '\0' ' ' < /proc/$process/cmdline)
        kill -9 $process
        [ "$words" = 'sleep 120 ' ] || echo "guest: $1 left $process behind: $words"
    done
    for name in /run/netns/*; do
        [ -e $name ] && echo "guest: $1 left the namespace $name behind"
    done
}
one() {
    before=$(programs | tr '\n' ' ')
    start=$(date +%s)
    setsid /payload/$1 --include-ignored --nocapture --exact "$2" >/tmp/output 2>&1 &
    test=$!
    (sleep 120; stuck $test "$2") &
    watch=$!
    if wait $test; then
        passed=$((passed + 1))
        echo "test $2 ... ok, $(($(date +%s) - start)) s"
        grep '^figure: ' /tmp/output
    else
        failed=$((failed + 1)) bad=1
        # Its own sum would be counted beside ours.
        grep -v '^test result: ' /tmp/output
        echo "test $2 ... FAILED, $(($(date +%s) - start)) s"
    fi
    kill $watch 2>/dev/null
    tidy "$2"
}
all() {
    passed=0 failed=0 result=ok
    echo "guest: $*"
    program=$1
    shift
    for test in $(/payload/$program --list --format terse "$@" | sed -n 's/: test$//p'); do
        one $program $test
    done
    [ $failed = 0 ] || result=FAILED
    echo "test result: $result. $passed passed; $failed failed"
}
"#;

/// A folder that goes away with the value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    fn new(purpose: &str) -> Result<Self, String> {
        let path = cache().join(format!(".{purpose}-{}", std::process::id()));
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

/// Outside the tree: it survives a clean build, and every checkout shares it.
fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".cache"));
    let cache = variable("XDG_CACHE_HOME").or_else(home);
    let cache = cache.unwrap_or_else(std::env::temp_dir);
    cache.join("keepalived-rs").join(format!("vm-{FORMAT}"))
}

/// The path of an installed program.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut places = path.split(':').map(|folder| Path::new(folder).join(name));
    places.find(|place| place.is_file())
}

/// Fetches the kernel, picks modules, packs the base. Its name; the files are in `result`.
fn build(scratch: &Path) -> Result<String, String> {
    let package = present_kernel().ok_or("apt knows no Debian cloud kernel")?;
    println!("xtask: fetching {package}");
    let mut download = Command::new("timeout");
    download.args(["300", "apt-get", "-q", "download", &package]);
    if !succeeds(in_folder(download, scratch)) {
        return Err(format!("apt-get download {package} failed"));
    }
    let archive = fs::read_dir(scratch).into_iter().flatten().flatten();
    let mut archives = archive.map(|entry| entry.path());
    let archive = archives.find(|path| path.extension().is_some_and(|end| end == "deb"));
    let archive = archive.ok_or("apt-get downloaded nothing")?;
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("-x").arg(&archive).arg("kernel");
    if !succeeds(in_folder(unpack, scratch)) {
        return Err("dpkg-deb -x failed".to_owned());
    }
    let version = package.trim_start_matches("linux-image-");
    let (kernel, tree) = (scratch.join("kernel"), scratch.join("tree"));
    modules(&kernel, &tree, version)?;
    let busybox = find("busybox").ok_or("busybox is not installed")?;
    install(&busybox, &tree.join("bin/busybox"))?;
    write(&tree.join("init"), INIT)?;
    let result = scratch.join("result");
    fs::create_dir_all(&result).map_err(|error| error.to_string())?;
    pack(&tree, &result.join("base.cpio"))?;
    let image = kernel.join(format!("boot/vmlinuz-{version}"));
    install(&image, &result.join("vmlinuz"))?;
    Ok(version.to_owned())
}

/// What the machine does first.
const INIT: &str = "#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /sbin /usr/bin /usr/sbin /etc /root
/bin/busybox --install -s /bin
ln -s /bin/modprobe /sbin/modprobe
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
chmod 1777 /tmp
echo 'root:x:0:0::/root:/bin/sh' > /etc/passwd
echo 'nobody:x:65534:65534::/:/bin/sh' >> /etc/passwd
echo 'root:x:0:' > /etc/group
echo 'nogroup:x:65534:' >> /etc/group
export PATH=/payload:/bin:/sbin HOME=/root RUST_BACKTRACE=1
ip link set lo up
cd /tmp
sh /payload/run
poweroff -f
";

/// What the meta package depends on, newest first where it has several versions.
fn present_kernel() -> Option<String> {
    let depends = || {
        let mut command = Command::new("apt-cache");
        command.args(["depends", META_PACKAGE]);
        let text = output(command)?;
        let mut words = text.split_whitespace();
        let image = |word: &&str| word.starts_with("linux-image-") && word.contains("-cloud-");
        words
            .find(|word| image(word) && *word != META_PACKAGE)
            .map(str::to_owned)
    };
    depends().or_else(|| {
        // The lists of a new machine are empty.
        let mut update = Command::new("timeout");
        update.args(["300", "apt-get", "-q", "update"]);
        succeeds(update).then(depends)?
    })
}

/// Copies the modules of [`MODULES`] and all that they need, with an index for `modprobe`.
fn modules(kernel: &Path, tree: &Path, version: &str) -> Result<(), String> {
    let index = |root: &Path| {
        let mut command = Command::new("busybox");
        command.arg("depmod").arg("-b").arg(root).arg(version);
        succeeds(command)
    };
    let folder = |root: &Path| root.join("lib/modules").join(version);
    if !index(kernel) {
        return Err("depmod of the whole kernel failed".to_owned());
    }
    let dep = folder(kernel).join("modules.dep");
    let dep = fs::read_to_string(&dep).map_err(|error| format!("{}: {error}", dep.display()))?;
    let needs: BTreeMap<_, Vec<_>> = dep
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(module, needs)| (module, needs.split_whitespace().collect()))
        .collect();
    let wanted = |module: &&&str| MODULES.iter().any(|name| module.contains(name));
    let mut queue: Vec<_> = needs.keys().filter(wanted).copied().collect();
    let mut copied = BTreeSet::new();
    while let Some(module) = queue.pop() {
        if copied.insert(module) {
            install(&folder(kernel).join(module), &folder(tree).join(module))?;
            queue.extend(needs.get(module).into_iter().flatten().copied());
        }
    }
    if copied.len() < MODULES.len() {
        return Err(format!("only {} kernel modules found", copied.len()));
    }
    for name in ["modules.order", "modules.builtin"] {
        install(&folder(kernel).join(name), &folder(tree).join(name))?;
    }
    if index(tree) {
        Ok(())
    } else {
        Err("depmod failed".to_owned())
    }
}

/// Copies the shared libraries of a program to where it looks for them.
fn libraries(program: &Path, tree: &Path) -> Result<(), String> {
    let mut command = Command::new("ldd");
    command.arg(program);
    // A static program has none, and `ldd` fails.
    let text = output(command).unwrap_or_default();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    for library in paths {
        install(
            Path::new(library),
            &tree.join(library.trim_start_matches('/')),
        )?;
    }
    Ok(())
}

/// Copies a program and its libraries, without what only a debugger reads: it is held in memory.
fn put(program: &Path, to: &Path, tree: &Path) -> Result<(), String> {
    install(program, to)?;
    let mut strip = Command::new("strip");
    strip.arg("--strip-debug").arg(to);
    let _larger_without = succeeds(strip);
    libraries(program, tree)
}

fn install(from: &Path, to: &Path) -> Result<(), String> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, to))
        .map(drop)
        .map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// An executable text.
fn write(path: &Path, text: &str) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Appends the files of a folder to an archive; the kernel unpacks several in a row.
fn pack(tree: &Path, archive: &Path) -> Result<(), String> {
    let file = fs::File::options().append(true).create(true).open(archive);
    let file = file.map_err(|error| format!("{}: {error}", archive.display()))?;
    let mut command = Command::new("sh");
    command.args(["-c", "find . | busybox cpio -o -H newc"]);
    command.current_dir(tree).stdin(Stdio::null());
    command.stdout(file).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cpio: {status}")),
        Err(error) => Err(format!("cpio: {error}")),
    }
}

fn in_folder(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    command
}
