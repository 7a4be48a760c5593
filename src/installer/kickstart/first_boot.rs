//! Whether the scripts of a kickstart put the first-boot service in place and leave it switched on.
//!
//! Not for what the service does: its file is named by the manifest.

use super::parse::{KickstartDocument, Section, SectionKind};
use super::script::{self, ParsedScript, ScriptExit, ScriptStep};
use crate::facts::Fact;
use crate::installer::service;

/// Where the service's program belongs: SysV, systemd.
const PROGRAMS: [&str; 3] = [
    "/etc/rc.d/init.d/preflight-firstboot",
    "/etc/init.d/preflight-firstboot",
    "/usr/libexec/preflight-firstboot",
];
const UNIT: &str = "/etc/systemd/system/preflight-firstboot.service";

/// Commands that only look.
const HARMLESS: &[&str] =
    &["[", "test", "echo", "printf", "ls", "cat", "grep", "sha256sum", "stat"];

/// Commands whose meaning a script must not change.
const RELIED_ON: &[&str] = &["cp", "chmod", "chkconfig", "systemctl", "install", "cd"];

/// What a command does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Takes its program from the disc.
    FromDisc,
    /// Puts its program in place.
    Program { is_systemd: bool },
    /// Puts its program in place with a mode that lets it run.
    ExecutableProgram { is_systemd: bool },
    /// Makes its program executable.
    Executable,
    /// Puts its unit in place.
    Unit,
    /// Switches it on.
    On,
    /// Switches it off, or takes its files away.
    Off,
    /// Something else.
    Other,
}

/// Whether the service is installed and switched on; unavailable when the scripts cannot be
/// followed that far.
pub(super) fn first_boot_enabled(document: &KickstartDocument) -> Fact<bool> {
    let mut state = ServiceState::default();
    for section in document.sections_of(SectionKind::Post) {
        state.follow(section);
    }
    state.into_fact()
}

#[derive(Default)]
struct ServiceState {
    from_disc: bool,
    program: Option<bool>,
    executable: bool,
    unit: bool,
    on: bool,
    off: bool,
    unclear: Option<String>,
}

impl ServiceState {
    fn follow(&mut self, section: &Section) {
        let text = section.text();
        let names_it = text.contains(service::FIRST_BOOT);
        if let Some(interpreter) = section.header.option("--interpreter")
            && !matches!(interpreter, "/bin/sh" | "/bin/bash" | "sh" | "bash")
        {
            if names_it {
                self.mark_unclear(format!("a script for {interpreter} is not followed"));
            }
            return;
        }
        let script = script::parse(&text);
        if let Some(name) = RELIED_ON.iter().find(|name| script.functions.contains_key(**name)) {
            self.mark_unclear(format!("a script defines {name} anew"));
        }
        let in_root = !section.header.has("--nochroot");
        let stops = section.header.has("--erroronfail");
        // What ends the script without a word matters only to what follows it.
        let mut may_have_ended = None;
        for step in &script.steps {
            if step.function.is_some() {
                if mentions_service(step) {
                    self.mark_unclear("a function of a script names the service".to_owned());
                }
                continue;
            }
            if let Some(effect) = effect(step) {
                if let Some(why) = &may_have_ended {
                    self.mark_unclear(format!(
                        "{why:?} may end the script before the service is on"
                    ));
                }
                self.apply(effect, step, in_root);
            }
            if !step.is_certain && ends_silently(&script, step, stops) {
                may_have_ended.get_or_insert(step.words.join(" "));
            }
        }
    }

    fn apply(&mut self, effect: Effect, step: &ScriptStep, in_root: bool) {
        let text = step.words.join(" ");
        match effect {
            Effect::Off => self.off = true,
            Effect::Other => self.mark_unclear(format!("{text:?} is not understood")),
            _ if !step.is_certain => {
                self.mark_unclear(format!("{text:?} does not run for certain"))
            }
            Effect::FromDisc => self.from_disc = true,
            // Outside of the installed system these paths are the installer's own.
            _ if !in_root => {
                self.mark_unclear(format!("{text:?} runs outside of the installed system"))
            }
            Effect::Program { is_systemd } => self.program = Some(is_systemd),
            Effect::ExecutableProgram { is_systemd } => {
                self.program = Some(is_systemd);
                self.executable = true;
            }
            // A mode or a link before the program is there is for another file.
            Effect::Executable => self.executable |= self.program.is_some(),
            Effect::Unit => self.unit = true,
            Effect::On => self.on |= self.program.is_some(),
        }
    }

    fn mark_unclear(&mut self, why: String) {
        self.unclear.get_or_insert(why);
    }

    fn into_fact(self) -> Fact<bool> {
        let is_whole = match self.program {
            Some(is_systemd) => {
                self.from_disc && self.executable && self.on && (self.unit || !is_systemd)
            }
            None => false,
        };
        match self.unclear {
            _ if self.off => Fact::Known(false),
            Some(why) => Fact::unavailable(format!("the scripts cannot be followed: {why}")),
            None => Fact::Known(is_whole),
        }
    }
}

fn mentions_service(step: &ScriptStep) -> bool {
    step.words.iter().chain(&step.redirects).any(|word| word.contains(service::FIRST_BOOT))
}

/// Whether a step may end its script without a failure.
fn ends_silently(script: &ParsedScript, step: &ScriptStep, stops: bool) -> bool {
    match script.exit(step) {
        Some(ScriptExit::Failure) => !stops,
        Some(ScriptExit::Silent) => true,
        None => false,
    }
}

/// What a step does to the service; nothing when it does not touch it.
fn effect(step: &ScriptStep) -> Option<Effect> {
    let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
    let name = words.first().copied().unwrap_or("");
    if !mentions_service(step) {
        return touches_many(name, &words).then_some(Effect::Other);
    }
    let is_target = |path: &str| PROGRAMS.contains(&path) || path == UNIT;
    if step.redirects.iter().any(|file| file.contains(service::FIRST_BOOT)) {
        return Some(Effect::Off);
    }
    let is_systemd = |path: &str| path.starts_with("/usr/libexec/");
    let files: Vec<&str> = words.iter().skip(1).copied().filter(|w| !w.starts_with('-')).collect();
    let source_is = |name: &str| files.len() == 2 && files[0].rsplit('/').next() == Some(name);
    let unit = format!("{}.service", service::FIRST_BOOT);
    Some(match (name, &words[..]) {
        ("cp", _) if files.iter().any(|file| file.contains("/preflight/payload/")) => {
            Effect::FromDisc
        }
        ("cp", _) if source_is(service::FIRST_BOOT) && PROGRAMS.contains(&files[1]) => {
            Effect::Program { is_systemd: is_systemd(files[1]) }
        }
        ("cp", _) if source_is(&unit) && files[1] == UNIT => Effect::Unit,
        ("install", ["install", "-m", "755" | "0755", from, to])
            if from.ends_with(service::FIRST_BOOT) && PROGRAMS.contains(to) =>
        {
            Effect::ExecutableProgram { is_systemd: is_systemd(to) }
        }
        ("chmod", ["chmod", "755" | "0755" | "+x" | "a+x", file]) if PROGRAMS.contains(file) => {
            Effect::Executable
        }
        ("chmod", ["chmod", "644" | "0644", file]) if *file == UNIT => return None,
        ("chmod", _) if files.iter().any(|file| is_target(file)) => Effect::Off,
        ("chkconfig", ["chkconfig", "--add", _]) => return None,
        ("chkconfig", ["chkconfig", _, "on"] | ["chkconfig", "--level", _, _, "on"]) => Effect::On,
        ("systemctl", ["systemctl", "enable", unit_name])
            if *unit_name == unit || *unit_name == service::FIRST_BOOT =>
        {
            Effect::On
        }
        ("chkconfig", _) if words.iter().any(|w| matches!(*w, "off" | "--del")) => Effect::Off,
        ("systemctl", ["systemctl", "disable" | "mask", ..]) => Effect::Off,
        ("rm" | "mv" | "unlink" | "shred" | "truncate", _) => Effect::Off,
        (harmless, _) if HARMLESS.contains(&harmless) => return None,
        _ => Effect::Other,
    })
}

/// Commands that may touch the service without its name: patterns, variables, whole directories.
fn touches_many(name: &str, words: &[&str]) -> bool {
    let places = ["init.d", "rc.d", "systemd", "/usr/libexec", "/root/preflight"];
    let is_vague = |word: &&str| word.contains(['*', '?', '$', '`']);
    match name {
        "eval" | "trap" | "alias" => true,
        "chkconfig" | "systemctl" => words.iter().skip(1).any(is_vague_ref(&is_vague)),
        "rm" | "mv" | "unlink" | "find" | "shred" | "chmod" => words.iter().skip(1).any(|word| {
            places.iter().any(|place| word.contains(place)) && !word.contains("preflight-")
        }),
        _ => false,
    }
}

fn is_vague_ref<'a>(is_vague: &'a impl Fn(&&str) -> bool) -> impl Fn(&&str) -> bool + 'a {
    move |word| is_vague(word)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    const COPY: &str = "%post --nochroot --erroronfail
disc='/mnt/source'
target=/mnt/sysimage/root/preflight
fail() {
  exit 1
}
[ -f x ] || fail
cp \"$disc\"/preflight/payload/'preflight-firstboot' \"$target\"/
%end
";

    const SYSV: &str = "%post --erroronfail
set -e
cd /root/preflight
fail() {
  exit 1
}
[ -f x ] || fail
cp preflight-firstboot /etc/rc.d/init.d/preflight-firstboot
chmod 755 /etc/rc.d/init.d/preflight-firstboot
chkconfig --add preflight-firstboot
chkconfig preflight-firstboot on
cp preflight-selfcheck /etc/rc.d/init.d/preflight-selfcheck
%end
";

    const SYSTEMD: &str = "%post --erroronfail
cp preflight-firstboot /usr/libexec/preflight-firstboot
chmod 755 /usr/libexec/preflight-firstboot
cp preflight-firstboot.service /etc/systemd/system/preflight-firstboot.service
chmod 644 /etc/systemd/system/preflight-firstboot.service
systemctl enable preflight-firstboot.service
%end
";

    fn is_applied(text: &str) -> Option<bool> {
        first_boot_enabled(&parse(text)).known().copied()
    }

    #[test]
    fn a_service_that_is_copied_and_switched_on_counts() {
        assert_eq!(is_applied(&format!("{COPY}{SYSV}")), Some(true));
        assert_eq!(is_applied(&format!("{COPY}{SYSTEMD}")), Some(true));
        assert_eq!(is_applied(""), Some(false));
    }

    #[test]
    fn whatever_is_left_out_or_undone_does_not_count() {
        let no = Some(false);
        let on = "chkconfig preflight-firstboot on\n";
        for (old, new, answer) in [
            (on, "", no),
            (on, "# chkconfig preflight-firstboot on\n", no),
            (on, "chkconfig preflight-firstboot off\n", no),
            (on, "chkconfig preflight-firstboot on\nchkconfig preflight-firstboot off\n", no),
            (on, "chkconfig preflight-firstboot on\nchkconfig --del preflight-firstboot\n", no),
            (
                on,
                "chkconfig preflight-firstboot on\nrm -f /etc/rc.d/init.d/preflight-firstboot\n",
                no,
            ),
            (
                on,
                "chkconfig preflight-firstboot on\n: > /etc/rc.d/init.d/preflight-firstboot\n",
                no,
            ),
            (on, "chkconfig preflight-firstboot on\nrm -f /etc/rc.d/rc3.d/S*\n", None),
            (
                on,
                "chkconfig preflight-firstboot on\nfor s in a b; do chkconfig $s off; done\n",
                None,
            ),
            (on, "if false; then\nchkconfig preflight-firstboot on\nfi\n", None),
            (on, "false && chkconfig preflight-firstboot on\n", None),
            (on, "f() {\nchkconfig preflight-firstboot on\n}\n", None),
            (on, "cat > /dev/null <<'X'\nchkconfig preflight-firstboot on\nX\n", no),
            (on, ": '\nchkconfig preflight-firstboot on\n'\n", None),
            ("set -e\ncd", "set -e\nexit 0\ncd", no),
            ("set -e\ncd", "set -e\nexit\ncd", no),
            ("set -e\ncd", "set -e\nfalse\ncd", no),
            ("set -e\ncd", "set -e\nexec /bin/true\ncd", no),
            ("set -e\ncd", "set -e\nif true; then exit 0; fi\ncd", None),
            ("set -e\ncd", "set -e\n[ 1 = 1 ] && exit\ncd", None),
            ("set -e\ncd", "set -e\ncp() { :; }\ncd", None),
            ("[ -f x ] || fail\ncp preflight", "fail\ncp preflight", no),
            ("cp preflight-firstboot /etc/rc.d/init.d/preflight-firstboot\n", "", no),
            ("cp preflight-firstboot /etc", "cp preflight-selfcheck /etc", None),
            ("chmod 755 /etc", "chmod 644 /etc", no),
            ("chmod 755 /etc/rc.d/init.d/preflight-firstboot\n", "", no),
            ("cp \"$disc\"/preflight/payload/'preflight-firstboot' \"$target\"/\n", "", no),
            ("%post --erroronfail\nset", "%post --interpreter=/bin/true\nset", None),
        ] {
            let good = format!("{COPY}{SYSV}");
            assert!(good.contains(old), "{old}");
            assert_eq!(is_applied(&good.replacen(old, new, 1)), answer, "{new}");
        }
        for (old, new, answer) in [
            ("systemctl enable", "systemctl disable", no),
            ("%end\n", "systemctl mask preflight-firstboot\n%end\n", no),
            (
                "cp preflight-firstboot.service /etc/systemd/system/preflight-firstboot.service\n",
                "",
                no,
            ),
        ] {
            let changed = SYSTEMD.replacen(old, new, 1);
            assert_eq!(is_applied(&format!("{COPY}{changed}")), answer, "{new}");
        }
    }
}
